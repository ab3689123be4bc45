"""Trains the runs of e18_multipliers: settings chosen on held-out images, then every seed.

A program is compiled once for a method and a depth; rates, hidden weights, starts and lengths are
numbers that it is given. Gradients are held against backprop's on the way.
"""

import contextlib
import time
from collections.abc import Iterator

import jax
import numpy as np
import scipy.special

import raikeras
from experiments.common import vectorised
from experiments.common.minibatch import images
from experiments.common.scanned_net import scanned
from experiments.e18_multipliers import methods
from experiments.results import progress
from raikeras.callbacks import GradientAlignment
from raikeras.diagnostics.probe import Probe, of_method_and_backprop

TUNED_WITH = 1000  # seed of the trials: none of the runs'
LOGS = ("loss", "task_loss", "deployed_loss")
PLACES = ("first", "middle", "last")  # hidden layers
# What a compiled program does not depend on.
NUMBERS = ("start", "gain", "learning_rates", "hidden_weights", "epochs", "trial_epochs")


class Watched(vectorised.Sweep):
    """A run at a time of one compiled model; the losses of each step are those in `LOGS`."""

    def __init__(self, model, start, num_examples):
        self.model = model
        self.step = raikeras.FunctionalStep(
            model, *self._batch(), num_examples=num_examples, may_repeat=False
        )

        def step(state, x, y, ids, extra):
            after, logs = self.step(state, x[ids], y[ids], ids)
            # Where nothing is relaxed there is one loss.
            return after, {name: logs.get(name, logs["loss"]) for name in LOGS}

        vectorised.Runs.__init__(self, step, self.step.outputs, together=False)
        self.restart([self.stacked(start)], [{}])

    @contextlib.contextmanager
    def assigned(self) -> Iterator[None]:
        """While it lasts, the model has the run's state, rows included; then that of before."""
        before = self.step.initial_state()
        self.step.assign(jax.tree.map(lambda each: each[0], self.state))
        try:
            yield
        finally:
            self.step.assign(before)


class Program:
    """The compiled training of a method at a depth.

    Args:
        settings: A run's settings.
        data: Training images and labels.
    """

    def __init__(self, settings, data):
        x, y = self.data = data
        self.settings = settings
        self.net = methods.net(settings, x.shape[1])
        methods.begin(self.net, settings, 0)
        trained = self.net if settings["method"] != "bp" else scanned(self.net)
        self.runs = Watched(
            methods.compiled(trained, settings, len(x)), trained.get_weights(), len(x)
        )
        batch = slice(settings["probed"])
        self._alignment = GradientAlignment(x[batch], y[batch])
        inputs = x[batch]
        if self.runs.step.has_rows:
            inputs = {"inputs": inputs, "example_id": np.arange(len(inputs), dtype="int32")}
        self._probe = None
        if settings["method"] != "bp":
            self._probe = Probe(of_method_and_backprop, self.runs.model, inputs, y[batch])

    def begin(self, settings, seed, pair, epochs) -> None:
        """Goes to a run's start, with a pair of rate and hidden weight, for so many epochs."""
        methods.begin(self.net, settings, seed)
        trained = self.net if settings["method"] != "bp" else scanned(self.net)
        examples = len(self.data[0])
        self._order = vectorised.shuffled([seed], epochs, examples, settings["batch_size"])
        knobs = dict(zip(("rate", "weight"), pair, strict=True)) | {"steps": self._order.shape[1]}
        self.runs.restart([self.runs.stacked(trained.get_weights())], [knobs])

    def epochs(self, count) -> Iterator[tuple[float, dict]]:
        """Trains from there; after each epoch its seconds and the mean losses of its steps."""
        for order in np.split(self._order, count, axis=1):
            began = time.perf_counter()
            losses = self.runs.train(*self.data, order)
            seconds = time.perf_counter() - began
            yield seconds, {name: float(np.mean(each)) for name, each in losses.items()}

    def scores(self, x, y) -> tuple[float, float]:
        """Accuracy and mean cross-entropy of the deployed network."""
        logits = self.runs.outputs(x)[0].astype("float64")
        loss = scipy.special.logsumexp(logits, axis=1) - logits[np.arange(len(y)), y]
        return float((logits.argmax(axis=1) == y).mean()), float(loss.mean())

    def alignment(self) -> dict[str, list[float]]:
        """Cosine and norm ratio of the weights' gradient to backprop's, by layer, then of all."""
        if self._probe is None:
            ones = [1.0] * (self.settings["depth"] + 2)
            return {"cosine": ones, "ratio": ones}
        with self.runs.assigned():
            found = self._alignment.columns(self._probe.by_layer())
        names = [f"/{layer.name}" for layer in self.net.layers] + [""]
        return {
            what: [found[f"gradient_{what}{name}"] for name in names]
            for what in ("cosine", "ratio")
        }


class Study:
    """Trains the runs of a variant by one program, which is kept until the program changes."""

    def __init__(self):
        self._key = self._variant = self._chosen = self._program = None

    def measure(self, run):
        """Metrics, curves and status of a run, for `results.save`."""
        settings = run["settings"]
        key = {name: value for name, value in settings.items() if name not in NUMBERS}
        if key != self._key:
            self._data = images(settings | {"held_out": 0})
            self._key, self._program = key, Program(settings, self._data[:2])
            self._variant = None
        if settings != self._variant:
            self._variant, self._chosen = settings, chosen(self._program, settings)
        return trained(self._program, run, self._data[2:], *self._chosen)


def pairs(settings) -> list[tuple[float, float]]:
    """The settings that are tried: each rate with each hidden weight."""
    return [
        (rate, one) for one in settings["hidden_weights"] for rate in settings["learning_rates"]
    ]


def chosen(program, settings):
    """The pair that is best on held-out images, and the accuracy and loss of each pair there.

    Of pairs that are equally right the one with the lowest cross-entropy is taken.
    """
    *_, x, y = images(settings)
    tried = pairs(settings)
    found = []
    for pair in tried:
        program.begin(settings, TUNED_WITH, pair, settings["trial_epochs"])
        for _ in program.epochs(settings["trial_epochs"]):
            pass
        found.append(program.scores(x, y))
    accuracy, loss = np.array(found).T
    loss = np.where(np.isfinite(loss), loss, np.inf)
    return tried[np.lexsort((loss, -accuracy))[0]], found


def trained(program, run, test, pair, trials):
    """One run with the chosen pair: metrics, curves and status."""
    settings, (x, y) = run["settings"], program.data
    names = "epoch seconds train_accuracy test_accuracy train_loss test_loss " + " ".join(LOGS)
    curves: dict[str, list] = {name: [] for name in names.split()}
    aligned: dict[str, list] = {"aligned_epoch": [], "cosine": [], "ratio": []}

    def note(epoch, seconds, losses):
        (train, train_loss), (right, test_loss) = program.scores(x, y), program.scores(*test)
        row = (epoch, seconds, train, right, train_loss, test_loss)
        for name, value in zip(curves, (*row, *map(losses.get, LOGS)), strict=True):
            curves[name].append(None if value is None else round(float(value), 6))
        if epoch in settings["aligned"] or epoch == settings["epochs"]:
            aligned["aligned_epoch"].append(epoch)
            for name, values in program.alignment().items():
                aligned[name].append([round(float(value), 5) for value in values])

    program.begin(settings, run["seed"], pair, settings["epochs"])
    note(0, 0.0, {})
    each, losses = [], {}
    for seconds, losses in program.epochs(settings["epochs"]):
        each.append(seconds)
        note(len(each), sum(each), losses)
        progress(run, len(each), settings["epochs"])
    steps = len(x) // settings["batch_size"]
    last = {name: values[-1] for name, values in (curves | aligned).items()}
    depth = settings["depth"]
    places = dict(zip(PLACES, (0, depth // 2, depth - 1), strict=True))
    metrics = {
        **{name: last[name] for name in list(curves)[2:6]},
        "task_loss": losses["task_loss"],
        "deployment_gap": losses["deployed_loss"] - losses["task_loss"],
        **{
            f"{what}_{one}": last[what][at]
            for what in ("cosine", "ratio")
            for one, at in places.items()
        },
        "cosine_all": last["cosine"][-1],
        "learning_rate": pair[0],
        "hidden_weight": None if settings["method"] == "bp" else pair[1],
        "held_out_accuracy": max(accuracy for accuracy, _ in trials),
        "step_milliseconds": 1e3 * float(np.median(each)) / steps,
        "seconds": sum(each),
        "weight_steps": steps * settings["epochs"],
        "target_steps": steps * settings["epochs"] * settings["target_steps"],
        "critical_path": methods.critical_path(settings),
    }
    curves |= aligned | {
        "trials": [
            [*pair, *map(float, found)] for pair, found in zip(pairs(settings), trials, strict=True)
        ]
    }
    finite = np.isfinite([last["test_loss"], last["train_loss"], losses["loss"]]).all()
    return metrics, curves, "ok" if finite else "diverged"
