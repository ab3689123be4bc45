"""The limits of relaxation: which layers are relaxed, and what the deployed net makes of it.

All seeds of a variant train in one program. The deployed network is then run in NumPy, in float32
and in float64, to see where its numbers grow beyond single precision.
"""

import keras
import numpy as np
from scipy import ndimage
from scipy.special import expit

import raikeras
from experiments.common import vectorised
from experiments.common.moons import dense_net, moons
from experiments.results import progress
from raikeras.initializers import isometric_start
from raikeras.optimizers import Rprop
from raikeras.presets import adam_with_decay, growing

LARGEST = float(np.finfo("float32").max)
COARSE = 16  # cells of the landscape for each that is looked at on the way


def relaxed_layers(choice: str, depth: int) -> list[int]:
    """Places of the relaxed hidden layers, counted from 0.

    Args:
        choice: "all", "none", "first", "last", "every_K" (layers K, 2 K, ...) or "random_K" (half
            of the layers, drawn with seed K).
        depth: Integer, number of hidden layers.
    """
    kind, _, number = choice.partition("_")
    if kind == "every":
        return list(range(int(number) - 1, depth, int(number)))
    if kind == "random":
        return sorted(np.random.default_rng(int(number)).permutation(depth)[: depth // 2].tolist())
    found = {"all": range(depth), "none": (), "first": (0,), "last": (depth - 1,)}
    if kind not in found:
        raise ValueError(
            "`relaxed` must be all, none, first, last, every_K or random_K. "
            f"Received: relaxed={choice!r}"
        )
    return list(found[kind])


def started_net(settings, seed: int):
    """A net at the run's start; draws differ from those of the other experiments on Moons."""
    keras.utils.set_random_seed(80_000 + seed)
    widths = [2] + [settings["units"]] * settings["depth"] + [1]
    net = dense_net(widths, settings["activation"])
    if settings["start"] == "isometric":
        isometric_start(net, seed=80_000 + seed)
    elif settings["start"] == "he":
        for place, layer in enumerate(net.layers):
            kernel = keras.initializers.HeNormal(seed=1000 * seed + place)(layer.kernel.shape)
            layer.set_weights([kernel, np.zeros(layer.units)])
    elif settings["start"] != "default":
        raise ValueError(
            f"`start` must be default, he or isometric. Received: start={settings['start']!r}"
        )
    return net


def relaxed_model(net, settings):
    """The compiled model: RAI as coded (Rprop), RAI with a growing weight, or backprop (Adam)."""
    steps, rate = settings["iterations"], settings["learning_rate"]
    chosen = relaxed_layers(settings["relaxed"], settings["depth"])
    names = [net.layers[place].name for place in chosen]
    options = {"deployed_every": 0}
    if settings["decay"]:
        for layer in net.layers:
            layer.kernel_regularizer = keras.regularizers.L2(settings["decay"])
    if settings["optimizer"] == "rprop":
        # As coded the output is relaxed, too, where all layers are.
        names += [net.layers[-1].name] if settings["relaxed"] == "all" else []
        optimizer, weight = Rprop(rate), settings["hidden_weight"]
    else:
        optimizer = adam_with_decay(rate, steps)
        weight = growing(*settings["weight_range"], steps)
        follow = adam_with_decay(settings["target_rate"], steps)
        options["targets"] = raikeras.Learned(optimizer=follow)
    model = raikeras.RelaxedModel(net, relax=names or (), hidden_weight=weight, **options)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def train(group: list[dict]) -> dict[int, tuple]:
    """Trains all seeds of a variant.

    Args:
        group: Runs that differ in their seed alone, as `results.each` yields them.

    Returns:
        By seed: metrics, curves and landscape for `results.save`.
    """
    settings = group[0]["settings"]
    data = moons(settings)
    nets = [started_net(settings, run["seed"]) for run in group]
    starts = [net.get_weights() for net in nets]
    runs = vectorised.Sweep(
        relaxed_model(nets[0], settings),
        starts,
        [{} for _ in group],
        len(data[0]),
        together=settings["together"],
    )
    watches = [Watch(settings, data, start) for start in starts]
    done, last = 0, np.full(len(group), np.nan)
    for point in settings["measured"]:
        if point > done:
            order = vectorised.full_batch(len(group), point - done, len(data[0]))
            last, done = runs.train(data[0], data[1], order)[-1], point
        for number, watch in enumerate(watches):
            watch.measure(done, runs.net_weights(number), last[number], _target(runs, number))
        progress(group[0], done, settings["measured"][-1])
    return {run["seed"]: watch.outcome() for run, watch in zip(group, watches, strict=True)}


def _target(runs, number: int) -> float:
    """The largest |target| of a run; 0 without rows."""
    if runs.model.store is None:
        return 0.0
    tables = runs.model.store.tables
    targets = {id(tables[key].variable) for key in tables if key.startswith("targets/")}
    places = [k for k, v in enumerate(runs.model.non_trainable_variables) if id(v) in targets]
    return max(float(np.abs(runs.state.other[place][number]).max()) for place in places)


def deployed(weights, x, activation: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The plain forward pass of a chain of Dense layers.

    Args:
        weights: Kernels and biases in turn.
        x: Array `(n, inputs)`.
        activation: "relu" or "sigmoid", of all layers but the last, which is linear.
        dtype: In which it is computed.

    Returns:
        Logits `(n,)`, and by layer the largest |pre-activation|, `(layers,)`.
    """
    function = expit if activation == "sigmoid" else lambda value: np.maximum(value, 0)
    value, sizes = np.asarray(x, dtype), []
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    with np.errstate(over="ignore", invalid="ignore"):
        for place, (kernel, bias) in enumerate(layers):
            value = value @ np.asarray(kernel, dtype) + np.asarray(bias, dtype)
            sizes.append(np.abs(value).max())
            value = function(value) if place < len(layers) - 1 else value
    return value[:, 0], np.array(sizes)


class Watch:
    """Measures one run's deployed network: little on the way, all at the end."""

    def __init__(self, settings, data, start):
        self._settings, self._data, self._start = settings, data, start
        ticks = np.linspace(-settings["extent"], settings["extent"], settings["resolution"])
        self._grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        self.curves = {}

    def measure(self, iteration, weights, loss, target) -> None:
        """Notes sizes on the training points and on every 16th cell or so, and accuracy."""
        few = np.concatenate([self._data[0], self._grid[:: COARSE + 1]])
        logits, _ = self._run(weights, few, "float32")
        train = len(self._data[0])
        sizes = [self._run(weights, x, "float64")[1] for x in (few[:train], few[train:])]
        beyond = np.flatnonzero(~(sizes[1] <= LARGEST))
        values = {
            "iteration": iteration,
            "relaxed_loss": loss,
            "train_accuracy": _accuracy(logits[:train], self._data[1]),
            "not_finite_share": float(np.mean(~np.isfinite(logits[train:]))),
            "largest_weight": max(float(np.abs(weight).max()) for weight in weights),
            "largest_target": target,
            "log_size_data": _log(sizes[0]).max(),
            "log_size_grid": _log(sizes[1]).max(),
            "overflow_layer": beyond[0] + 1 if len(beyond) else None,
        }
        self._weights = weights
        for name, value in values.items():
            self.curves.setdefault(name, []).append(None if value is None else float(value))

    def outcome(self) -> tuple[dict, dict, dict | None]:
        """Metrics, curves and landscape, the deployed network being what it was measured last."""
        parts = [self._data[0], self._data[2], self._grid]
        single = [self._run(self._weights, x, "float32")[0] for x in parts]
        double, sizes = zip(*(self._run(self._weights, x, "float64") for x in parts), strict=True)
        classes = (double[2] > 0).reshape(2 * [self._settings["resolution"]])
        labels = self._data[1], self._data[3]
        right = [_accuracy(*pair) for pair in zip(double[:2], labels, strict=True)]
        lost = [k for k, share in enumerate(self.curves["not_finite_share"]) if share > 0]
        nan_share = float(np.mean(np.isnan(single[2])))
        metrics = {name: values[-1] for name, values in self.curves.items()} | {
            "test_accuracy": _accuracy(single[1], labels[1]),
            "nan_share": nan_share,
            "any_nan": float(nan_share > 0),
            "not_finite_share": float(np.mean(~np.isfinite(single[2]))),
            "overflow_iteration": self.curves["iteration"][lost[0]] if lost else None,
            "train_accuracy_float64": right[0],
            "test_accuracy_float64": right[1],
            "overfit": right[0] - right[1],
            "log_gain": float(np.polyfit(np.arange(len(sizes[2])), _log(sizes[2]), 1)[0]),
            "edges": edge_share(classes),
            "edges_float32": edge_share(_three(single[2]).reshape(classes.shape)),
            "regions": regions(classes),
        }
        moved = [
            float(np.abs(now - then).max())
            for now, then in zip(self._weights, self._start, strict=True)
        ]
        metrics |= {"hidden_moved": max(moved[:-2]), "output_moved": max(moved[-2:])}
        del metrics["iteration"]
        shown = self._shown(single[2], classes, sizes) if self._settings["landscape"] else None
        return metrics, self.curves, shown

    def _run(self, weights, x, dtype) -> tuple[np.ndarray, np.ndarray]:
        return deployed(weights, x, self._settings["activation"], dtype)

    def _shown(self, logits, classes, sizes) -> dict:
        """The landscape in single precision, `None` where it is no number, classes and sizes."""
        known = ~np.isnan(logits)
        permille = np.rint(1000 * expit(np.where(known, logits, 0.0))).astype(int)
        return {
            "low": -self._settings["extent"],
            "high": self._settings["extent"],
            "resolution": self._settings["resolution"],
            "permille": [int(v) if ok else None for v, ok in zip(permille, known, strict=True)],
            "classes": classes.astype(int).ravel().tolist(),
            "log_size_data": _log(sizes[0]).round(3).tolist(),
            "log_size_grid": _log(sizes[2]).round(3).tolist(),
        }


def _log(sizes) -> np.ndarray:
    return np.log10(np.maximum(sizes, 1e-30))


def _three(logits) -> np.ndarray:
    """The class of a cell, 2 where it is no number."""
    return np.where(np.isnan(logits), 2, logits > 0)


def _accuracy(logits, y) -> float:
    """Share of right classes; what is not finite is wrong."""
    return float(np.mean(np.isfinite(logits) & ((logits > 0) == (y[:, 0] > 0.5))))


def edge_share(classes) -> float:
    """Share of pairs of neighbouring cells whose classes differ: how grid-like a landscape is."""
    across, down = classes[:, 1:] != classes[:, :-1], classes[1:] != classes[:-1]
    return float((across.sum() + down.sum()) / (across.size + down.size))


def regions(classes) -> int:
    """Number of connected regions of one class; cells touch by their sides."""
    return int(ndimage.label(classes)[1] + ndimage.label(~classes)[1])
