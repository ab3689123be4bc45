"""`RelaxedModel`: a user's net, trained with targets of its own for every example."""

import contextlib
import copy
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

import keras
import numpy as np

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import (
    build_for,
    check_compiled,
    forget_traces,
    is_tf_distributed,
    losses_are_given,
)
from raikeras.backend.saving import saved_by_the_first_process
from raikeras.data import ids as ids_in
from raikeras.data.finite import FiniteCheck
from raikeras.network.changes import check_known
from raikeras.network.find_chains import reason_not_stackable
from raikeras.rows.layout import by_cut
from raikeras.rows.storage import Store, store_bytes
from raikeras.targets import Learned, TargetRule
from raikeras.training.deployed import Columns
from raikeras.training.overflow import Guard, explain, listed
from raikeras.training.prepare import (
    note_batches,
    prepare_data,
    prepare_store,
    prepare_without_rows,
)
from raikeras.training.relaxation import Relaxation
from raikeras.training.step import run_step
from raikeras.training.weight_steps import Joint, WeightStep
from raikeras.typing import Config, Nest, Tensor, documented_as


@keras.saving.register_keras_serializable(package="raikeras")
class RelaxedModel(keras.Model):
    """Trains a net with relaxed activations; the net itself stays the user's.

    In training, each relaxed layer is fed by targets instead of the output of the layer before it,
    and weights and targets together minimise::

        task loss(y, outputs of the relaxed path)
            + sum over relaxed layers of hidden_weight * hidden_loss(target, layer's own output).

    `evaluate`, `predict` and saving concern the deployed network, the plain forward pass of `net`.
    The defaults are Relaxed Activation Identity (RAI) as its author's code runs it: every Dense
    layer relaxed, the output layer included, targets at the pre-activations, mean squared error
    averaged over examples and units and summed over layers.

    Args:
        net: A built Sequential or Functional model. Its weights are trained in place.
        targets: Where the targets come from: `Learned`, `Inferred`, `Gradient` or a `TargetRule`
            of your own.
        relax: Which layers to relax: a layer class, a tuple of classes, a list of layer names or
            a predicate of a layer; `()` relaxes nothing, which is plain Keras training. Layers
            marked with `raikeras.layers.Relaxed` are always added.
        at: `"pre_activation"` or `"post_activation"`, where the targets stand.
        hidden_loss: A Keras loss or its name, called with (target, the layer's own output).
            `"matching"`: every layer's own matching loss, the Bregman divergence of its activation;
            it compares the target, before or after the activation, with the pre-activation.
        hidden_weight: Float, a schedule of the step (any callable, such as a Keras
            `LearningRateSchedule`), or a dict of these by layer name.
        weight_step: How the weights follow: `Joint`, `Local` or `ClosedForm`.
        deployed_every: Integer, every how many steps the deployed network is measured in `fit`,
            which costs a forward pass more; the first batch of an epoch always is. 0: never, and
            the columns are left out.
        fuse: Whether chains of equal Dense layers train as one stacked tensor: one product for all
            layers instead of one after another, the same numbers up to rounding. Layers are
            equal if units, activation, regularizers, constraints and dtype are. So do equal
            residual blocks `Add()([h, Rescaling(s)(Dense(units)(Activation(f)(h)))])` whose Add is
            relaxed, the Dense not; Rescaling and Activation may be missing. An optimizer that
            does not treat every weight by itself (clipnorm, Muon, ...) trains layer by layer, with
            a warning.
        **kwargs: `name` and `dtype`, see `keras.Model`.

    Logs of `fit`:
        `loss`: the whole objective, relaxed path. `task_loss`: the compiled loss on the relaxed
        path (with the net's own regularisation). `hidden_loss`: the weighted sum over layers.
        `deployed_loss`: the compiled loss of the deployed network before the step, comparable
        with `val_loss`. The compiled metrics are the deployed network's.

    A step whose objective or gradients are not finite is left out, with all others of its epoch;
    `fit` then stops and warns, and weights and rows are those before. The deployed network may
    overflow earlier, for nothing holds a layer's output down where targets are not: watch
    `deployed_loss`. With `relax=()` the step is Keras' own, without this guard.

    Raises:
        TypeError: If `net`, `targets` or `weight_step` has the wrong type.
        ValueError: If `net` is not built or a setting does not fit it.
        RuntimeError: On an unsupported backend.

    Example:

    ```python
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16, "tanh"),
                            keras.layers.Dense(1, "sigmoid")])
    model = raikeras.RelaxedModel(net)
    model.compile(raikeras.optimizers.Rprop(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=len(x), epochs=100)
    net.predict(x_new)
    ```
    """

    def __init__(
        self,
        net: keras.Model,
        *,
        targets: TargetRule | None = None,
        relax: Any = keras.layers.Dense,
        at: str = "pre_activation",
        hidden_loss: Any = "mean_squared_error",
        hidden_weight: Any = 1.0,
        weight_step: WeightStep | None = None,
        deployed_every: int = 10,
        fuse: bool = True,
        **kwargs: Any,
    ) -> None:
        load_backend()
        _check_net(net)
        super().__init__(**kwargs)
        self.net = net
        self.target_rule = _instance("targets", targets, TargetRule, Learned)
        self.weight_step = _instance("weight_step", weight_step, WeightStep, Joint)
        if isinstance(deployed_every, bool) or not isinstance(deployed_every, int):
            raise ValueError(
                f"`deployed_every` must be an integer. Received: deployed_every={deployed_every}"
            )
        if deployed_every < 0:
            raise ValueError(
                "`deployed_every` must be 0 (never) or a number of steps. "
                f"Received: deployed_every={deployed_every}"
            )
        if not isinstance(fuse, bool):
            raise ValueError(f"`fuse` must be True or False. Received: fuse={fuse!r}")
        self.deployed_every = deployed_every
        self.fuse = fuse
        stack = fuse and not self.weight_step.in_sequence
        self.relaxed = Relaxation(net, relax, at, hidden_loss, hidden_weight, self.name, stack)
        self.weight_step.check(self)
        self._check_loss()
        self.supports_masking = True
        with keras.name_scope(self.relaxed.scope):
            self.relaxed_columns = Columns.new()
        self.built = True

    # The deployed network

    def call(self, inputs: Nest, training: bool | None = None) -> Nest:
        """The deployed network's outputs; ids, if any, are ignored."""
        inputs = inputs["inputs"] if ids_in.has_ids(inputs) else inputs
        return self.relaxed.network.run(inputs, training)

    def compute_mask(self, inputs: Nest, previous_mask: Any) -> None:
        return None  # the net's outputs have theirs

    @property
    def output_names(self) -> list[str]:
        """The names of the net's outputs, by which losses, metrics and data may be given."""
        return self.net.output_names  # a Sequential model has none, and this attribute neither

    @property
    def variables(self) -> list[keras.Variable]:
        """State of training: the net's, and the store's tables, which are no weights.

        While `fit` runs, a chain that trains as one has its stacked variables here; the layers'
        own are views of these and stay in `weights`.
        """
        if not hasattr(self, "relaxed"):
            return super().variables
        if not self.relaxed.shows_variables:
            return []
        store, listed = self.relaxed.store, self.relaxed.listed
        own = super().variables if listed is None else listed
        return own + (store.variables if store else [])

    @property
    def losses(self) -> list[Tensor]:
        """Regularisation and added losses; an attached chain's layers are regularised at once."""
        if not hasattr(self, "relaxed") or losses_are_given(self):
            return super().losses
        chains = self.relaxed.attached_chains()
        return super().losses + [loss for chain in chains for loss in chain.losses()]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras' own, and the guard's: its state belongs to an epoch as theirs does."""
        if not hasattr(self, "relaxed") or not self.relaxed.network.cuts:
            return super().metrics
        return [*super().metrics, self.relaxed.overflowed]

    @property
    def store(self) -> Store | None:
        """The rows, once `fit` has seen data."""
        return self.relaxed.store

    # Training

    @documented_as(keras.Model.fit)
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        call = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        del call["self"]
        if not self.relaxed.network.cuts:
            return _fitted(super().fit, self, call)
        check_compiled(self, "fit")
        self._follow_net()
        self._check_mesh()
        self._check_processes()
        if is_tf_distributed(self):
            raise ValueError(
                "A tf.distribute strategy would give each replica its own rows. Build the model "
                "outside the strategy's scope."
            )
        self.target_rule.check(self.optimizer)
        x, guard, finite = call.get("x"), Guard.added_to(call), FiniteCheck(self)
        if not self.target_rule.has_rows:
            prepare_without_rows(call, finite)
            with self._fused(trains=True):
                history = _fitted(super().fit, self, call)
        else:
            checker = prepare_data(self, call, finite)
            prepare_store(self, checker.num_examples)
            note_batches(self, checker.may_repeat, checker.in_order)
            x = call["x"]
            with checker.plain_errors(), self._fused(trains=True), self.relaxed.within_fit():
                history = _fitted(super().fit, self, call)
        if guard.stopped:
            warnings.warn(explain(self, x, finite.found), stacklevel=2)
        return history

    @documented_as(keras.Model.train_on_batch)
    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        self._follow_net()
        if self.store is not None:
            note_batches(self, may_repeat=True, in_order=False)
        with self._fused(trains=True):
            return super().train_on_batch(*args, **kwargs)

    @documented_as(keras.Model.evaluate)
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        if self.optimizer is None or (self.optimizer.built and not self._is_spread):
            return super().evaluate(*args, **kwargs)
        self._follow_net()
        with self._fused():  # Keras builds the optimizer here, for the variables that `fit` trains
            return super().evaluate(*args, **kwargs)

    @documented_as(keras.Model.predict)
    def predict(self, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "optimizer", None) is None or not self._is_spread:
            return super().predict(*args, **kwargs)
        self._follow_net()
        with self._fused():  # else every device would get the layers of all others
            return super().predict(*args, **kwargs)

    # Keras asks for these functions whenever it evaluates or predicts, on arrays or one batch.

    @documented_as(keras.Model.make_test_function)
    def make_test_function(self, *args: Any, **kwargs: Any) -> Any:
        self._follow_net()
        return super().make_test_function(*args, **kwargs)

    @documented_as(keras.Model.make_predict_function)
    def make_predict_function(self, *args: Any, **kwargs: Any) -> Any:
        self._follow_net()
        return super().make_predict_function(*args, **kwargs)

    @documented_as(keras.Model.export)
    def export(self, *args: Any, **kwargs: Any) -> Any:
        """Exports the deployed network, as `net.export` does."""
        return self.net.export(*args, **kwargs)

    @documented_as(keras.Model.save)
    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        with saved_by_the_first_process(self, filepath) as own:
            super().save(own, *args, **kwargs)

    @documented_as(keras.Model.save_weights)
    def save_weights(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        with saved_by_the_first_process(self, filepath) as own:
            super().save_weights(own, *args, **kwargs)

    def compile_from_config(self, config: Config) -> None:
        """Compiles a loaded model, with an optimizer built for the variables that `fit` trains."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        with self._fused():
            self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Nest = None) -> None:
        # Keras' hook, on TensorFlow, before a step is traced.
        if is_tf_distributed(self):
            super()._maybe_symbolic_build(iterator, data_batch)
        else:
            build_for(self, iterator, data_batch)

    def _track_variables(self) -> None:
        # Keras' hook, on torch: a module's parameters. The net's layers have theirs, rows are none.
        self.relaxed.shows_variables = False
        try:
            super()._track_variables()
        finally:
            self.relaxed.shows_variables = True

    def train_step(self, *args: Any) -> Any:
        return load_backend().train_step(self, run_step, *args)

    def get_metrics_result(self) -> dict[str, Tensor]:
        """Keras' own columns; those of the relaxed path are added by the training step."""
        own = {column.name for column in (*self.relaxed_columns, self.relaxed.overflowed)}
        return {key: value for key, value in super().get_metrics_result().items() if key not in own}

    def targets(self, ids: Any) -> dict[str, np.ndarray]:
        """Rows of the store.

        Args:
            ids: Integers of shape `(n,)`, example ids.

        Returns:
            Dict from relaxed layer (`name`, or `name:2` for the second call of a shared layer) to
            an array of shape `(n, ...)`, its targets for these examples.

        Raises:
            ValueError: If an id has no row yet.
        """
        ids = np.atleast_1d(np.asarray(ids))
        if not self.target_rule.has_rows:
            raise ValueError(
                "Only a rule that keeps rows has targets to show. Received: "
                f"targets={type(self.target_rule).__name__}"
            )
        if self.store is None:
            raise ValueError("There are no rows before the first `fit`.")
        ids_in.Checker(self.store.num_examples).check_ids({"inputs": (), "example_id": ids})
        age = self.store.read("age", ids)
        if (age == 0).any():
            missing = ids[age[:, 0] == 0][:5].tolist()
            raise ValueError(
                f"Examples have no row before a step has seen them. Received: {missing}"
            )
        cuts = self.relaxed.network.cuts
        parts = by_cut(self.relaxed.network.groups, self.store.targets(ids))
        return {cut.name: part for cut, part in zip(cuts, parts, strict=True)}

    def reset_targets(self) -> None:
        """Drops all rows, so that `fit` can be given other data."""
        self.relaxed.store = self.relaxed.data = None
        self.train_function = None

    def _check_processes(self) -> None:
        """Refuses rows of which several processes would have other ones each."""
        processes = load_backend().processes()[1]
        if processes == 1 or not self.target_rule.has_rows:
            return
        if self.target_rule.storage != "device":
            raise ValueError(
                "Rows must be on the devices where several processes train one model: "
                '`Learned(storage="device")`. '
                f"Received: storage={self.target_rule.storage!r}, {processes} processes"
            )
        replicas = getattr(keras.distribution.distribution(), "num_model_replicas", 1)
        if replicas > 1:
            raise ValueError(
                "Where several processes train a model with rows, each must see the whole batch, "
                "lest an id be another example in each: `layer_parallel(replicas=1)`, or targets "
                f"without rows. Received: {replicas} replicas, {processes} processes"
            )

    def _check_mesh(self) -> None:
        """Refuses chains that were made for another distribution than the present one."""
        mesh = load_backend().layers_sharding()
        if self.relaxed.network.chains and mesh != self.relaxed.network.mesh:
            raise ValueError(
                "A distribution over layers must be set before the model is made, and stay: "
                "`keras.distribution.set_distribution(raikeras.distribution.layer_parallel())`. "
                f"Received: now {mesh}, when the model was made {self.relaxed.network.mesh}"
            )

    @property
    def _is_spread(self) -> bool:
        """Whether layers lie on several devices, as they did when the model was made."""
        self._check_mesh()
        return load_backend().layers_sharding() is not None

    def _check_loss(self) -> None:
        relaxed, rule = self.relaxed, self.target_rule
        if rule.needs_squared_error and not relaxed.hidden_loss.is_squared:
            raise ValueError(
                "Multipliers and errors need a hidden loss that is a squared error: "
                '"mean_squared_error" or raikeras.losses.HalfSquaredError("sum_over_batch_size"). '
                f"Received: hidden_loss={relaxed.given_loss!r}, targets={type(rule).__name__}"
            )

    def _follow_net(self) -> None:
        """Takes the net as it is now; an error if its layers are not those that were wrapped."""
        if self.relaxed.follow_net():
            self.weight_step.check(self)
            if self.store is not None and self.store.groups != self.relaxed.network.groups:
                with keras.name_scope(self.relaxed.scope):
                    self.store.use(self.relaxed.network.groups, self.store.rule, keep_slots=True)
            self.train_function = self.test_function = self.predict_function = None
            forget_traces(self)

    @contextlib.contextmanager
    def _fused(self, trains: bool = False) -> Iterator[None]:
        """While it lasts, chains of equal layers train as one, if the optimizer allows it.

        Args:
            trains: Whether the optimizer is going to be applied.
        """
        nested = bool(self.relaxed.attached_chains())  # `fit` evaluates
        chains = [] if nested else self.relaxed.network.chains
        reason = reason_not_stackable(self.optimizer) if chains else None
        apart = reason or (self.relaxed.network.why_apart if self.fuse else None)
        if apart and not self.relaxed.said:
            self.relaxed.said = True
            warnings.warn(
                f"Equal Dense layers train one by one, for {apart}. Otherwise they would train as "
                "one, which is faster; `fuse=False` asks for layers one by one.",
                stacklevel=3,
            )
        chains = [] if reason else [chain for chain in chains if chain.trainable]
        if not chains:
            if trains:
                check_known(self.optimizer, self.trainable_variables)
            yield
            return
        try:
            for chain in chains:
                chain.attach()
            views = {id(v) for chain in chains for own in chain.own_variables for v in own}
            stacked = [v for chain in chains for v in chain.variables]
            # Kept, for a walk through a thousand layers takes longer than a step.
            self.relaxed.listed = [v for v in super().variables if id(v) not in views] + stacked
            if trains:
                check_known(self.optimizer, self.trainable_variables)
            forget_traces(self)
            yield
        finally:
            self.relaxed.listed = None
            for chain in chains:
                chain.release()
            forget_traces(self)

    def store_bytes(self, num_examples: int | None = None) -> int:
        """Bytes that the rows, their ages and their slots take, or will take.

        Args:
            num_examples: Integer, number of rows. `None`: those there are, or those that
                `targets` names.

        Raises:
            ValueError: If the number of rows or the rule that moves them is not known yet.
        """
        rule = self.target_rule
        if not self.relaxed.network.cuts or not rule.has_rows:
            return 0
        if num_examples is None:
            num_examples = self.store.num_examples if self.store else rule.num_examples
        if num_examples is None or rule.owner(self.optimizer) is None:
            raise ValueError(
                "The bytes of the store follow from the number of rows and the optimizer that "
                "moves them: call `store_bytes(num_examples)` after `compile`. Received: "
                f"num_examples={num_examples}, compiled={self.compiled}"
            )
        network = self.relaxed.network
        dtype = rule.dtype or network.dtype
        return store_bytes(num_examples, network.groups, dtype, rule.rule(self.optimizer))

    # Configuration

    def get_config(self) -> Config:
        serialize, relaxed = keras.saving.serialize_keras_object, self.relaxed
        return {
            "name": self.name,
            "net": serialize(self.net),
            "targets": serialize(self.target_rule),
            "relax": list(dict.fromkeys(cut.layer.name for cut in relaxed.network.cuts)),
            "at": relaxed.at,
            "hidden_loss": serialize(relaxed.given_loss),
            "hidden_weight": serialize(relaxed.given_weight),
            "weight_step": serialize(self.weight_step),
            "deployed_every": self.deployed_every,
            "fuse": self.fuse,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        deserialize = keras.saving.deserialize_keras_object
        return cls(
            **{
                key: deserialize(copy.deepcopy(value)) if isinstance(value, dict) else value
                for key, value in config.items()
            }
        )


def _fitted(
    fit: Callable[..., Any], model: RelaxedModel, call: dict[str, Any]
) -> keras.callbacks.History:
    """Keras' `fit`, made by the callback that has a say in it, a `Backup`, if there is one."""
    makers = [one for one in listed(call.get("callbacks")) if hasattr(one, "run_fit")]
    if len(makers) > 1:
        kinds = [type(one).__name__ for one in makers]
        raise ValueError(f"`callbacks` must hold one Backup. Received: {len(kinds)}, {kinds}")
    return makers[0].run_fit(fit, model, call) if makers else fit(**call)


def _check_net(net: Any) -> None:
    if not isinstance(net, (keras.Sequential, keras.Model)):
        raise TypeError(
            f"`net` must be a Sequential or Functional model. Received: {type(net).__name__}"
        )
    if not net.built or not hasattr(net, "inputs") or not net.inputs:
        raise ValueError(
            "`net` must be a built Sequential or Functional model, for the rows take their shape "
            "from it: begin it with `keras.Input(shape)`. "
            f"Received: net={net.name} ({type(net).__name__}), built={net.built}"
        )


def _instance(name: str, value: Any, kind: type[Any], default: type[Any]) -> Any:
    """`value`, or the default of its kind."""
    if value is None:
        return default()
    if not isinstance(value, kind):
        raise TypeError(
            f"`{name}` must be an instance of raikeras.{kind.__name__}, such as "
            f"raikeras.{default.__name__}(). Received: {name}={value!r}"
        )
    return value
