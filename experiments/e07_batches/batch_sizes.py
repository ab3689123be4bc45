"""What e07_batches does: nets at every batch size, their settings tuned, seeds in one program."""

import itertools
import time

import keras
import numpy as np

import raikeras
from experiments.common import vectorised
from experiments.common.knobs import Knobs
from experiments.common.minibatch import classifier, images
from experiments.results import progress

TUNED_WITH = 1000  # seed of the trials: none of the runs'


def measured(run) -> list[tuple[dict, dict]]:
    """Metrics and curves of every seed of a variant, for `results.save`."""
    settings, seeds = run["settings"], range(run["settings"]["together"])
    if run["seed"] not in seeds:
        raise ValueError(f"`together` must be above every seed. Received: seed={run['seed']}")
    metrics: list[dict] = [{} for _ in seeds]
    sizes = settings["batch_sizes"]
    curves: dict[str, list] = {
        name: [] for name in ("batch_size", "learning_rate", "hidden_weight", "trials")
    }
    for number, size in enumerate(sizes):
        chosen, accuracies = tuned(settings, size)
        data = images(settings | {"held_out": 0, "train_examples": 0})
        accuracy, _ = trained(settings, size, [chosen] * len(seeds), seeds, data)
        row = (size, *chosen, [round(float(value), 4) for value in accuracies])
        for values, value in zip(curves.values(), row, strict=True):
            values.append(value)
        name = size or "all"
        for seed in seeds:
            metrics[seed][f"accuracy_{name}"] = float(accuracy[seed])
        metrics[0] |= costs(settings, size, chosen, data)
        progress(run, number + 1, len(sizes))
    if settings["long_visits"]:
        long = settings | {"visits": settings["long_visits"]}
        chosen, _ = tuned(long, 0)
        data = images(settings | {"held_out": 0, "train_examples": 0})
        accuracy, _ = trained(long, 0, [chosen] * len(seeds), seeds, data)
        for seed in seeds:
            metrics[seed]["accuracy_long"] = float(accuracy[seed])
    for one in metrics if 0 in sizes else ():
        one["from_batches"] = one[f"accuracy_{middle(sizes)}"] - one["accuracy_all"]
    return [(one, curves) for one in metrics]


def middle(sizes) -> int:
    """The batch size in the middle of those that are not all examples."""
    parts = sorted(size for size in sizes if size)
    return parts[len(parts) // 2]


def tuned(settings, size) -> tuple[tuple, np.ndarray]:
    """The best (rate, hidden weight) on held-out training data, and every trial's accuracy.

    Of trials that are equally right the one with the lowest cross-entropy is taken.
    """
    trials = list(itertools.product(settings["learning_rates"], settings["hidden_weights"]))
    data = images(settings | {"train_examples": 0})
    accuracy, loss = trained(settings, size, trials, [TUNED_WITH] * len(trials), data)
    order = np.lexsort((np.nan_to_num(loss, nan=np.inf), -accuracy))
    return trials[order[0]], accuracy


def trained(settings, size, choices, seeds, data):
    """Trains a net for each choice of (rate, hidden weight) and its seed, side by side.

    Returns:
        Accuracy and mean cross-entropy of the deployed nets on the second half of `data`.
    """
    x, y, x_test, y_test = data
    size = size or len(x)
    order = batches(settings, size, seeds, len(x))
    net, starts = nets(settings, x.shape[1], seeds)
    knobs = Knobs(rate=1e-3, weight=1.0, target_rate=1.0)
    numbers = [
        {"rate": rate, "weight": weight, "target_rate": target_rate(settings, size, weight)}
        for rate, weight in choices
    ]
    model = compiled(
        net,
        settings,
        len(x),
        knobs.falling("rate", order.shape[1]),
        knobs.constant("weight"),
        knobs.constant("target_rate"),
    )
    model.knobs = knobs
    runs = vectorised.Sweep(model, starts, numbers, len(x))
    runs.train(x, y, order)
    logits = runs.outputs(x_test).astype("float64")
    loss = np.logaddexp.reduce(logits, axis=2) - logits[:, np.arange(len(y_test)), y_test]
    return (logits.argmax(axis=2) == y_test).mean(axis=1), loss.mean(axis=1)


def batches(settings, size, seeds, examples) -> np.ndarray:
    """Example ids of each step, `(seeds, steps, size)`: `visits` passes, batches repeated in a row.

    A last, short batch of a pass is left out.
    """
    passes, rest = divmod(settings["visits"], settings["repeats"])
    if rest or not passes:
        raise ValueError(
            "`visits` must be a multiple of `repeats`. Received: "
            f"visits={settings['visits']}, repeats={settings['repeats']}"
        )
    return np.repeat(
        vectorised.shuffled(seeds, passes, examples, size), settings["repeats"], axis=1
    )


def nets(settings, inputs, seeds):
    """A net, and the weights that it starts from with each seed."""
    starts = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        net = classifier([inputs, *settings["hidden_units"], 10])
        starts.append(net.get_weights())
    return net, starts


def target_rate(settings, size, weight) -> float:
    """SGD's rate with which a step takes the share `target_rate` from a mismatch.

    The hidden loss is a mean over units, of kept rows over the batch too: the gradient of the
    mismatch is so much smaller than the mismatch, and the hidden weight larger.
    """
    if settings["method"] == "bp":
        return 1.0
    rate = settings["target_rate"] * settings["hidden_units"][-1] / 2 / weight
    return rate * (size if settings["method"] == "learned" else 1)


def compiled(net, settings, num_examples, rate, weight, target):
    """The compiled model that trains `net`: numbers or schedules for rates and hidden weight."""
    options = {"relax": ()}
    if settings["method"] != "bp":
        sgd = keras.optimizers.SGD(target)
        rules = {
            "learned": lambda: raikeras.Learned(num_examples, sgd, settings["refresh_every"]),
            "inferred": lambda: raikeras.Inferred(settings["inner_steps"], None, sgd),
        }
        if settings["method"] not in rules:
            raise ValueError(
                f"`method` must be bp, learned or inferred. Received: method={settings['method']!r}"
            )
        options = {
            "relax": [layer.name for layer in net.layers][:-1],
            "targets": rules[settings["method"]](),
            "hidden_weight": weight,
            "at": settings["at"],
        }
    model = raikeras.RelaxedModel(net, deployed_every=0, **options)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def costs(settings, size, choice, data) -> dict[str, float]:
    """Seconds of one visit to every example by an ordinary `fit`, and the bytes of the store."""
    x, y = data[:2]
    size = size or len(x)
    rate, weight = choice
    net, _ = nets(settings, x.shape[1], [0])
    numbers = (rate, weight, target_rate(settings, size, weight))
    model = compiled(net, settings, len(x), *numbers)
    seconds: list[float] = []
    while len(seconds) <= settings["timed_epochs"] or sum(seconds[1:]) < settings["timed_seconds"]:
        now = time.perf_counter()
        model.fit(x, y, batch_size=size, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - now)
    name = "all" if size == len(x) else size
    return {f"epoch_{name}_seconds": min(seconds[1:]), "store_bytes": model.store_bytes(len(x))}
