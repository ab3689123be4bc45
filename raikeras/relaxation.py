"""What a `RelaxedModel` trains with, beside what Keras knows of it."""

import keras

from raikeras.circuit import Circuit
from raikeras.fused import Chain
from raikeras.mismatch import HiddenLoss
from raikeras.store import Store


class Relaxation:
    """What a `RelaxedModel` trains with: a plain object, for Keras tracks what attributes reach.

    Attributes:
        circuit: The net with its cuts.
        hidden_loss: The hidden loss of all cuts.
        why_no_least_squares: Why local problems are not all least squares; `None` if they are.
        store: The rows, `None` before the first `fit`.
        owner: The optimizer whose rule the rows' slots belong to.
        data: Fingerprint of the arrays whose examples the rows belong to.
        said: Whether the user was told that layers train one by one.
        listed: The model's variables while chains are attached.
    """

    def __init__(self, circuit: Circuit, hidden_loss: HiddenLoss, why_no_least_squares=None):
        self.circuit, self.hidden_loss = circuit, hidden_loss
        self.why_no_least_squares: str | None = why_no_least_squares
        self.store: Store | None = None
        self.owner: keras.optimizers.Optimizer | None = None
        self.data: str | None = None
        self.said = False
        self.listed: list[keras.Variable] | None = None

    def attached_chains(self) -> list[Chain]:
        """The chains of equal layers that train as one at this moment."""
        return [chain for chain in self.circuit.chains if chain.attached]
