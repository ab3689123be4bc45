"""`RelaxedModel`: a user's net, trained with targets of its own for every example."""

import functools
import inspect
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras import data as ids_in
from raikeras._steps import load_backend
from raikeras._steps.private import is_tf_distributed, loss_tracker
from raikeras.circuit import Circuit, choose_layers
from raikeras.mismatch import HiddenLoss
from raikeras.store import Store
from raikeras.targets import Learned
from raikeras.weight_steps import Joint


class Batch(NamedTuple):
    """What one training step works on."""

    x: Any
    y: Any
    sample_weight: Any
    ids: Any
    rows: dict
    restarts: Any
    targets: Any
    learning_rate: Any


@keras.saving.register_keras_serializable(package="raikeras")
class RelaxedModel(keras.Model):
    """Trains a net with relaxed activations; the net itself stays the user's.

    In training, each relaxed layer is fed by targets instead of the output of the layer before it,
    and weights and targets together minimise

        task loss(y, outputs of the relaxed path)
            + sum over relaxed layers of hidden_weight * hidden_loss(target, layer's own output).

    `evaluate`, `predict` and saving concern the deployed network, the plain forward pass of `net`.
    The defaults are Relaxed Activation Identity (RAI) as its author's code runs it: every Dense
    layer relaxed, the output layer included, targets at the pre-activations, mean squared error
    averaged over examples and units and summed over layers.

    Args:
        net: A built Sequential or Functional model. Its weights are trained in place.
        targets: Where the targets come from, a `Learned`.
        relax: Which layers to relax: a layer class, a tuple of classes, a list of layer names or
            a predicate of a layer; `()` relaxes nothing, which is plain Keras training. Layers
            marked with `raikeras.layers.Relaxed` are always added.
        at: `"pre_activation"` or `"post_activation"`, where the targets stand.
        hidden_loss: A Keras loss or its name, called with (target, the layer's own output).
        hidden_weight: Float, a schedule of the step (any callable, such as a Keras
            `LearningRateSchedule`), or a dict of these by layer name.
        weight_step: How the weights follow, a `Joint`.
        deployed_every: Integer, every how many steps the deployed network is measured in `fit`:
            one forward pass more. 0: never, and the columns are left out. In an epoch without a
            measurement they are NaN.
        **kwargs: `name` and `dtype`, see `keras.Model`.

    Logs of `fit`:
        `loss`: the whole objective, relaxed path. `task_loss`: the compiled loss on the relaxed
        path (with the net's own regularisation). `hidden_loss`: the weighted sum over layers.
        `deployed_loss`: the compiled loss of the deployed network before the step, comparable
        with `val_loss`. The compiled metrics are the deployed network's.

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
        targets: Learned | None = None,
        relax: Any = keras.layers.Dense,
        at: str = "pre_activation",
        hidden_loss: Any = "mean_squared_error",
        hidden_weight: Any = 1.0,
        weight_step: Joint | None = None,
        deployed_every: int = 1,
        **kwargs,
    ):
        load_backend()
        _check_net(net)
        super().__init__(**kwargs)
        self.net = net
        self.target_rule = _instance("targets", targets, Learned)
        self.weight_step = _instance("weight_step", weight_step, Joint)
        if isinstance(deployed_every, bool) or not isinstance(deployed_every, int):
            raise ValueError(
                f"`deployed_every` must be an integer. Received: deployed_every={deployed_every}"
            )
        if deployed_every < 0:
            raise ValueError(
                "`deployed_every` must be 0 (never) or a number of steps. "
                f"Received: deployed_every={deployed_every}"
            )
        self.deployed_every = deployed_every
        self.at = at
        self.hidden_loss, self.hidden_weight = _Plain(hidden_loss), _Plain(hidden_weight)
        layers = choose_layers(net, relax)
        # Plain objects: Keras would track layers and variables reached through an attribute.
        self._circuit = _Plain(Circuit(net, layers, at))
        self._hidden = _Plain(HiddenLoss(hidden_loss, hidden_weight, self._circuit.value.cuts))
        self._store = _Plain(None)
        self._seen_data = None
        self._columns = [
            keras.metrics.Mean(name=name) for name in ("task_loss", "hidden_loss", "deployed_loss")
        ]
        self.built = True

    # The deployed network

    def call(self, inputs, training=None):
        """The deployed network's outputs; ids, if any, are ignored."""
        return self.net(inputs["inputs"] if ids_in.has_ids(inputs) else inputs, training=training)

    @property
    def variables(self):
        """Weights, and the store's tables, which are state of training but not weights."""
        store = self._store.value if hasattr(self, "_store") else None
        return super().variables + (list(store.tables.values()) if store else [])

    @property
    def store(self) -> Store | None:
        """The rows, once `fit` has seen data."""
        return self._store.value

    # Training

    @functools.wraps(keras.Model.fit)
    def fit(self, *args, **kwargs):
        call = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        del call["self"]
        if not self._circuit.value.cuts:
            return super().fit(**call)
        self._assert_compile_called("fit")
        if is_tf_distributed(self):
            raise ValueError(
                "A tf.distribute strategy would give each replica its own rows. Build the model "
                "outside the strategy's scope."
            )
        num_examples = self._prepare_data(call)
        checker = ids_in.Checker(num_examples)
        if ids_in.is_stream(call["x"]):
            call["x"] = checker.wrap(call["x"])
        else:
            ids_in.check_finite(call["x"], call.get("y"), call.get("sample_weight"))
            checker.check_ids({**call["x"], "example_id": call["x"]["example_id"][:num_examples]})
        self._prepare_store(num_examples)
        with checker.plain_errors():
            return super().fit(**call)

    def train_step(self, *args):
        return load_backend().train_step(self, *args)

    def get_metrics_result(self):
        """Keras' own columns; those of the relaxed path are added by the training step."""
        own = {column.name for column in self._columns}
        return {key: value for key, value in super().get_metrics_result().items() if key not in own}

    def targets(self, ids) -> dict[str, np.ndarray]:
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
        if self.store is None:
            raise ValueError("There are no rows before the first `fit`.")
        ids_in.Checker(self.store.num_examples).check_ids({"inputs": (), "example_id": ids})
        rows = {
            key: ops.convert_to_numpy(self.store.tables[key])[ids] for key in ("age", "targets")
        }
        if (rows["age"] == 0).any():
            missing = ids[rows["age"][:, 0] == 0][:5].tolist()
            raise ValueError(f"Examples have no row before a step has seen them. Received: {missing}")
        cuts = self._circuit.value.cuts
        parts = np.split(rows["targets"], np.cumsum([cut.size for cut in cuts])[:-1], axis=1)
        return {
            cut.name: part.reshape(len(ids), *cut.shape)
            for cut, part in zip(cuts, parts, strict=True)
        }

    def reset_targets(self) -> None:
        """Drops all rows, so that `fit` can be given other data."""
        self._store.value, self._seen_data = None, None
        self.train_function = None

    # The three parts of a training step, called by the backend's step

    def begin_step(self, data) -> Batch:
        """Unpacks a batch, measures the deployed network and brings the batch's rows."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        circuit, store = self._circuit.value, self._store.value
        if not circuit.cuts:
            x = x["inputs"] if ids_in.has_ids(x) else x
            return Batch(x, y, sample_weight, None, {}, None, ops.zeros(()), None)
        ids, x = x["example_id"], x["inputs"]
        rows = store.gather(ids)
        restarts = self.target_rule.restarts(rows["age"])
        start = self._deployed_pass(x, y, sample_weight, ops.any(restarts), store.dtype, ids)
        rows["targets"] = ops.where(restarts, start, rows["targets"])
        rate = self.target_rule.learning_rate(self.optimizer)
        return Batch(x, y, sample_weight, ids, rows, restarts, rows["targets"], rate)

    def objective(self, batch: Batch, targets):
        """The whole objective on the relaxed path, and its parts for the logs."""
        outputs, pairs = self._circuit.value.replay(batch.x, targets, batch.restarts)
        task = self.compute_loss(batch.x, batch.y, outputs, batch.sample_weight, training=True)
        if not pairs:
            return task, (task, ops.zeros(()), outputs)
        hidden = self._hidden.value(pairs, batch.sample_weight, self.optimizer.iterations)
        return task + ops.cast(hidden, task.dtype), (task, hidden, outputs)

    def finish_step(self, batch: Batch, total, parts, gradients, target_gradient) -> dict:
        """Updates rows and weights from gradients taken at the same point; returns the logs."""
        task, hidden, outputs = parts
        count = ops.shape(keras.tree.flatten(batch.x)[0])[0]
        loss_tracker(self).update_state(total, sample_weight=count)
        if batch.ids is not None:
            self._store.value.step(batch.ids, batch.rows, target_gradient, batch.learning_rate)
        self.weight_step.apply(self.optimizer, gradients, self.trainable_variables)
        if batch.ids is None:
            return self.compute_metrics(batch.x, batch.y, outputs, batch.sample_weight)
        relaxed = dict(zip(self._columns[:2], (task, hidden), strict=True))
        for column, value in relaxed.items():
            column.update_state(value, sample_weight=count)
        logs = {column.name: column.result() for column in (loss_tracker(self), *relaxed)}
        if self.deployed_every:
            logs |= self._deployed_logs()
        return logs

    def _deployed_logs(self) -> dict:
        """Columns of the deployed network, NaN if it was not measured in this epoch."""
        column = self._columns[2]
        logs = {column.name: column.result(), **self.get_metrics_result()}
        del logs[loss_tracker(self).name]
        if self.deployed_every == 1:
            return logs
        return {
            name: ops.where(column.count > 0, value, float("nan")) for name, value in logs.items()
        }

    def _deployed_pass(self, x, y, sample_weight, any_restart, dtype, ids):
        """Feeds the deployed columns; returns the forward pass at the cuts for rows to start at.

        Both need the same forward pass, which is skipped in steps where neither is wanted.
        """
        circuit, every = self._circuit.value, self.deployed_every
        measures = every > 0 and (every == 1 or ops.equal(self.optimizer.iterations % every, 0))
        metrics = self.metrics_variables if every else []

        def run():
            old = [ops.convert_to_tensor(v.value) for v in metrics]
            state = [(v, v.value) for v in self.net.variables]
            state += zip(metrics, old, strict=True)
            with keras.StatelessScope(state, collect_losses=True) as scope:
                outputs, start = circuit.record(x)
                if every:
                    loss = self.compute_loss(x, y, outputs, sample_weight, training=False)
                    self._columns[2].update_state(loss, sample_weight=ops.shape(ids)[0])
                    self.compute_metrics(x, y, outputs, sample_weight)
                new = [scope.get_current_value(v) for v in metrics]
            if every > 1:  # the pass may be here for the rows' sake alone
                new = [ops.where(measures, *pair) for pair in zip(new, old, strict=True)]
            return ops.cast(start, dtype), new

        def skip():
            nothing = ops.zeros((ops.shape(ids)[0], circuit.size), dtype)
            return nothing, [ops.convert_to_tensor(v.value) for v in metrics]

        if every == 1:
            start, values = run()
        else:
            start, values = ops.cond(ops.logical_or(measures, any_restart), run, skip)
        for variable, value in zip(metrics, values, strict=True):
            variable.assign(value)
        return start

    # Before training

    def _prepare_data(self, call: dict) -> int:
        """Gives arrays their ids, refuses data that cannot belong to the rows; returns the rows."""
        rows = self.target_rule.num_examples or (self.store and self.store.num_examples)
        x = call.get("x")
        if ids_in.is_stream(x):
            if rows is None:
                raise ValueError(
                    "A stream does not tell its number of examples, which the rows need. Set it: "
                    "`targets=Learned(num_examples=...)`. "
                    f"Received: x of type {type(x).__name__}, num_examples=None"
                )
            return rows
        count = _length(x)
        if call.get("validation_split"):
            count = int(count * (1 - call["validation_split"]))
        if ids_in.has_ids(x):
            return rows or count
        seen = ids_in.fingerprint(x, call.get("y"), count)
        if self.store is not None and self._seen_data not in (None, seen):
            raise ValueError(
                "`fit` was given other data than before, whose examples have no rows. Call "
                "`model.reset_targets()` first to start new rows, or pass example ids. "
                f"Received: x with {count} training examples; "
                f"there are {self.store.num_examples} rows"
            )
        if rows is not None and count > rows:
            raise ValueError(
                f"`num_examples` must be at least the number of training examples. Received: "
                f"num_examples={rows}, x with {count} training examples"
            )
        self._seen_data = seen
        call["x"] = {"inputs": x, "example_id": np.arange(_length(x), dtype="int32")}
        return rows or count

    def _prepare_store(self, num_examples: int) -> None:
        """Makes the store, or gives it the slots of a newly compiled optimizer."""
        rule = self.target_rule.rule(self.optimizer)
        circuit = self._circuit.value
        if self.store is None:
            # The widest one; `keras.backend.result_type` would demote float64 on JAX.
            dtypes = {cut.layer.variable_dtype for cut in circuit.cuts}
            widest = max(dtypes, key=("float16", "bfloat16", "float32", "float64").index)
            dtype = self.target_rule.dtype or widest
            self._store.value = Store(num_examples, circuit.size, dtype, rule)
        elif self.store.rule.name != rule.name:
            self.store.use_rule(rule)
        else:
            return
        self.train_function = None  # a traced step would hold on to the old tables

    # Configuration

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "net": serialize(self.net),
            "targets": serialize(self.target_rule),
            "relax": list(dict.fromkeys(cut.layer.name for cut in self._circuit.value.cuts)),
            "at": self.at,
            "hidden_loss": serialize(self.hidden_loss.value),
            "hidden_weight": serialize(self.hidden_weight.value),
            "weight_step": serialize(self.weight_step),
            "deployed_every": self.deployed_every,
        }

    @classmethod
    def from_config(cls, config: dict) -> "RelaxedModel":
        plain = ("name", "relax", "at", "deployed_every")
        return cls(
            **{
                key: value if key in plain else keras.saving.deserialize_keras_object(value)
                for key, value in config.items()
            }
        )


class _Plain:
    """Holds a value out of sight of Keras' attribute tracking, which would make weights of it."""

    def __init__(self, value):
        self.value = value


def _check_net(net) -> None:
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


def _instance(name: str, value, kind: type):
    """`value`, or the default of its kind."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(
            f"`{name}` must be a raikeras.{kind.__name__}. Received: {name}={value!r}"
        )
    return value


def _length(x) -> int:
    return len(keras.tree.flatten(x)[0])
