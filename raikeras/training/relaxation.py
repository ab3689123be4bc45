"""What a `RelaxedModel` trains with, beside what Keras knows of it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from raikeras.losses import MatchingLoss
from raikeras.network.chain import Chain
from raikeras.network.changes import Parts
from raikeras.network.cut import Cut
from raikeras.network.hidden_loss import HiddenLoss, get_loss, has_kink
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.network.select_layers import choose_layers
from raikeras.rows.storage import Store
from raikeras.training.least_squares import reason_not_least_squares
from raikeras.training.overflow import Overflowed


class Relaxation:
    """What a `RelaxedModel` trains with: a plain object, for Keras tracks what attributes reach.

    Args:
        net: The user's net.
        relax, at, hidden_loss, hidden_weight: As in `RelaxedModel`.
        name: Name of the model.
        stack: Whether chains of equal layers are to train as one.

    Attributes:
        network: The net with its cuts.
        hidden_loss: The hidden loss of all cuts.
        reason_not_least_squares: Why local problems are not all least squares; `None` if they are.
        at, given_loss, given_weight: The arguments.
        scope: A name that no other model's variables have before theirs.
        store: The rows, `None` before the first `fit`.
        owner: The optimizer whose rule the rows' slots belong to.
        in_order: Whether every batch of `fit` so far was all examples in the order of their rows,
            so that its step need not look them up; `None` before the first.
        fitting: Whether `fit` runs.
        overflowed: Whether the guard has left out a step of the epoch.
        data: Fingerprint of the arrays whose examples the rows belong to.
        said: Whether the user was told that layers train one by one.
        listed: The model's variables while chains are attached.
        shows_variables: Whether the model has its variables to show, see `_track_variables` there.
    """

    def __init__(
        self,
        net: keras.Model,
        relax: Any,
        at: str,
        hidden_loss: Any,
        hidden_weight: Any,
        name: str,
        stack: bool,
    ) -> None:
        self._net, self._stack = net, stack
        self._relax = list(relax) if isinstance(relax, list) else relax
        self.at, self.given_loss, self.given_weight = at, hidden_loss, hidden_weight
        self.scope = f"{name}_{keras.backend.get_uid('raikeras')}"
        self.store: Store | None = None
        self.owner: keras.optimizers.Optimizer | None = None
        self.in_order: bool | None = None
        self.fitting = False
        self.data: str | None = None
        self.said = False
        self.listed: list[keras.Variable] | None = None
        self.shows_variables = True
        with keras.name_scope(self.scope):
            self.overflowed = Overflowed()
        parts = Parts(net)
        self._take(self._network(), parts)

    @property
    def takes_all_rows(self) -> bool:
        """Whether the batch of the step in progress is all examples in the order of their rows."""
        return self.fitting and bool(self.in_order)

    def within_fit(self) -> contextlib.AbstractContextManager[None]:
        """While it lasts, steps are those of `fit`."""
        return self._fitting(True)

    def outside_fit(self) -> contextlib.AbstractContextManager[None]:
        """While it lasts, steps are none of `fit`, be it that a callback of one takes them."""
        return self._fitting(False)

    @contextlib.contextmanager
    def _fitting(self, whether: bool) -> Iterator[None]:
        before, self.fitting = self.fitting, whether
        try:
            yield
        finally:
            self.fitting = before

    def attached_chains(self) -> list[Chain]:
        """The chains of equal layers that train as one at this moment."""
        return [chain for chain in self.network.chains if chain.attached]

    def follow_net(self) -> bool:
        """Takes the net's settings as they are now; returns whether any changed.

        Raises:
            ValueError: If the net has other relaxed layers than when it was wrapped.
        """
        before = self.network.cuts
        if not before or self.attached_chains():  # `fit` evaluates
            return False
        parts = Parts(self._net)
        if not parts.differ_from(self._parts):
            return False
        try:
            network = self._network()
        except ValueError as error:
            raise _changed(str(error)) from error
        if network.cuts != before:
            raise _changed(_difference(before, network.cuts))
        self._take(network, parts)
        return True

    def _network(self) -> RelaxedNetwork:
        loss = get_loss(self.given_loss)
        matching, kink = isinstance(loss, MatchingLoss), has_kink(loss)
        layers = choose_layers(self._net, self._relax)
        with keras.name_scope(self.scope):
            return RelaxedNetwork(self._net, layers, self.at, matching, self._stack, kink)

    def _take(self, network: RelaxedNetwork, parts: Parts) -> None:
        self.network, self._parts = network, parts
        self.hidden_loss = HiddenLoss(self.given_loss, self.given_weight, network.cuts, self.at)
        self.reason_not_least_squares = reason_not_least_squares(network, self.hidden_loss, self.at)


def _changed(what: str) -> ValueError:
    return ValueError(
        "The net must have the relaxed layers with which it was wrapped. Make a new RelaxedModel "
        f"of it after the change. Received: {what}"
    )


def _difference(before: list[Cut], after: list[Cut]) -> str:
    """What two lists of cuts do not share, in words."""
    words = [
        f"{what} {[f'{cut.name} of shape {cut.shape}' for cut in some if cut not in other]}"
        for what, some, other in (("new", after, before), ("gone", before, after))
    ]
    return "; ".join(words)
