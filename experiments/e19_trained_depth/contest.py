"""Chooses a method's settings on starts and splits that no run has, then trains all runs."""

from collections.abc import Sequence

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from experiments.common import vectorised
from experiments.common.tabular_training import at_checkpoints
from experiments.e19_trained_depth import methods, tasks

TUNED_ON = (1000, 1001, 1002)  # seeds of the trials: none of the runs'
PARTS = ("fit", "valid", "test")


def results_of(run, seeds: Sequence[int]) -> dict[int, tuple[dict, dict]]:
    """Metrics and curves by seed, as `save_variants` takes them."""
    settings = run["settings"]
    if settings["method"] not in methods.METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(methods.METHODS)}. "
            f"Received: method={settings['method']!r}"
        )
    rates, weights = settings["learning_rates"], settings["hidden_weights"]
    tried = [{"rate": rate, "weight": weight} for rate in rates for weight in weights]
    accuracy = Training(run, TUNED_ON, tried, [settings["steps"]]).accuracies()[0]
    held_out = accuracy.reshape(3, len(TUNED_ON), len(tried))[1].mean(axis=0)
    best = tried[int(np.argmax(held_out))]
    looks = np.linspace(0, settings["steps"], settings["checkpoints"] + 1).astype(int)[1:].tolist()
    training = Training(run, seeds, [best], looks)
    by_look = np.stack(training.accuracies(), axis=-1)  # (parts, seeds, looks)
    trials = [[*one.values(), float(end)] for one, end in zip(tried, held_out, strict=True)]
    extra = {
        "learning_rate": best["rate"],
        "hidden_weight": best["weight"],
        "step_milliseconds": 1e3 * training.seconds / len(seeds),
        "critical_path": methods.critical_path(settings),
    }
    return {
        seed: _result(by_look[:, k], looks, extra | {"readout_accuracy": readout}, trials)
        for k, (seed, readout) in enumerate(zip(seeds, training.readouts(), strict=True))
    }


class Training:
    """Every pair of a seed and a trial, side by side in one program.

    Args:
        run: As `results.each` yields it.
        seeds: Integers, of data, start and order of the examples.
        tried: Dicts of knobs.
        looks: Rising numbers of steps at which the nets are judged.

    Attributes:
        seconds: Of a step of all of them, once `accuracies` has run.
    """

    def __init__(self, run, seeds: Sequence[int], tried: Sequence[dict], looks: Sequence[int]):
        settings = self._settings = run["settings"]
        self._run, self._looks = run, looks
        self._data = [tasks.parts(settings, seed) for seed in seeds]
        build = methods.residual if methods.METHODS[settings["method"]].residual else methods.plain
        self._net = build(settings, self._data[0].x_fit.shape[1])
        self._starts = []
        for seed in seeds:
            methods.start(self._net, settings, seed)
            self._starts.append(self._net.get_weights())
        model = methods.compiled(methods.trained(self._net, settings), settings)
        rows, self._repeated = len(self._data[0].x_fit), [one for one in self._data for _ in tried]
        starts = []
        for start in self._starts:
            self._net.set_weights(start)
            starts += [methods.trained(self._net, settings).get_weights()] * len(tried)
        self._sweep = vectorised.Sweep(model, starts, [*tried] * len(seeds), rows)
        self._order = _order(seeds, len(tried), rows, settings)
        self.seconds = 0.0

    def accuracies(self) -> list[np.ndarray]:
        """Trains; at each look the accuracies `(parts, seeds * trials)`."""
        found = []
        labels = [[getattr(one, f"y_{part}") for one in self._repeated] for part in PARTS]
        steps = at_checkpoints(self._sweep, self._repeated, self._order, self._looks, self._run)
        for outputs, self.seconds in steps:
            right = [
                [(logits.argmax(-1) == y).mean() for logits, y in zip(made, wanted, strict=True)]
                for made, wanted in zip(outputs, labels, strict=True)
            ]
            found.append(np.array(right))
        return found

    def readouts(self) -> list[float]:
        """Test accuracies of logistic regression on the untrained nets' last hidden layer."""
        dense = [layer for layer in self._net.layers if isinstance(layer, keras.layers.Dense)]
        hidden = keras.Model(self._net.inputs, dense[-1].input)
        found = []
        for start, data in zip(self._starts, self._data, strict=True):
            self._net.set_weights(start)
            fitted, judged = (hidden.predict(x, verbose=0) for x in (data.x_fit, data.x_test))
            model = LogisticRegression(C=1e4, max_iter=5000).fit(fitted, data.y_fit)
            found.append(float(model.score(judged, data.y_test)))
        return found


def _result(accuracy, looks, extra, trials):
    """Of one seed: `accuracy` is `(parts, looks)`."""
    train, held_out, test = accuracy
    metrics = {
        "train_accuracy": float(train[-1]),
        "held_out_accuracy": float(held_out[-1]),
        "test_accuracy": float(test[-1]),
        **extra,
    }
    curves = {
        "steps": looks,
        "train_accuracy": np.round(train, 4).tolist(),
        "test_accuracy": np.round(test, 4).tolist(),
        "trials": trials,
    }
    return metrics, curves


def _order(seeds, trials, rows, settings):
    """`order_of` of `at_checkpoints`: the same batches for all trials of a seed."""
    batch, steps = settings["batch_size"] or rows, settings["steps"]
    if batch == rows:
        return lambda first, last: vectorised.full_batch(len(seeds) * trials, last - first, rows)
    epochs = -(-steps // (rows // batch))
    shuffled = vectorised.shuffled(seeds, epochs, rows, batch)
    return lambda first, last: np.repeat(shuffled[:, first:last], trials, axis=0)
