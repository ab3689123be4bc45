"""Chooses the settings of e10: eight trials a method and data set, on held-out training data.

    RAIKERAS_DATA=FOLDER KERAS_BACKEND=jax python -m experiments.e10_autoencoder.search mnist
    ... search_autoencoder.py olivetti --methods adam locoprop_s

Every trial trains once (seed 0) for fifty batches and is judged by the loss on other training
images; the test images are not looked at. A trial is appended to trials.toml of the report's study
when it has landed, and one that is there is not repeated: remove it to search anew. The best of
each method is what profiles.toml has; Fashion-MNIST takes those of MNIST.
"""

import argparse
import itertools
import json
import math
import time
import tomllib
from pathlib import Path

import keras

from experiments.common.autoencoder import network, pixels, train
from experiments.driver.profiles import script_settings

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "report" / "studies" / HERE.name / "trials.toml"
HEADER = (
    "# Written by experiments/e10_autoencoder/search.py: loss in nats per image on held-out "
    "training data.\n"
)
# The experiment whose settings are sought and what a trial has of its own.
SETS = {
    "mnist": ("e10_mnist", {"dataset": "mnist", "held_out": 10000}),  # fifty batches an epoch
    "olivetti": (  # a hundred of three hundred images are held out: two batches an epoch
        "e10_faces",
        {"dataset": "olivetti", "hidden_units": [2000, 1000, 500], "batch_size": 100}
        | {"held_out": 100, "epochs": 25},
    ),
    "curves": (
        "e10_curves",
        {"dataset": "curves", "hidden_units": [400, 200, 100, 50, 25], "code_units": 6}
        | {"train_examples": 10000, "held_out": 10000, "epochs": 5},
    ),
}
RATES = {  # of the methods of which nothing else is sought
    "sgd": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3),
    "momentum": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1),
    "nesterov": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1),
    "adagrad": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0),
    "adadelta": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    "rmsprop": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "rmsprop_momentum": (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "adam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1),
    "muon": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0),
}
# Grids that ended where a shorter search, of ten batches, had its best were moved on. Step
# sizes for batches of 1000: the task loss is a mean over them, the local losses are sums.
PAIRS = {  # four values of the one by two of the other
    "locoprop_s": {"learning_rate": (3e-5, 1e-4, 3e-4, 1e-3), "step_size": (100.0, 1000.0)},
    "locoprop_s_closed": {"eta": (1e-3, 1e-2, 0.1, 1.0), "step_size": (500.0, 1000.0)},
    "locoprop_m": {"learning_rate": (3e-5, 1e-4, 3e-4, 1e-3), "step_size": (100.0, 300.0)},
    "inferred": {"learning_rate": (3e-4, 1e-3, 3e-3, 1e-2), "hidden_weight": (1.0, 10.0)},
}
METHODS = [*RATES, *PAIRS]


def trials(dataset, variant):
    """The settings of each trial of a variant, beside those of the data set."""
    if variant in RATES:
        return [{"method": variant, "learning_rate": rate} for rate in RATES[variant]]
    values = dict(PAIRS[variant])
    if "step_size" in values:
        share = SETS[dataset][1].get("batch_size", 1000) / 1000
        values["step_size"] = [share * size for size in values["step_size"]]
    grid = [dict(zip(values, pair, strict=True)) for pair in itertools.product(*values.values())]
    return [{"method": variant.removesuffix("_closed"), **one} for one in grid]


def defaults():
    """The settings of the parameters cell."""
    return script_settings(HERE / "experiment.py")


def attempt(settings):
    """One trial: its loss on held-out images, infinite where it diverged, and its seconds."""
    keras.utils.set_random_seed(0)
    now = time.perf_counter()
    run = {"variant": settings["method"], "seed": 0, "settings": settings, "number": 1, "total": 1}
    run |= {"started": now, "printed": now}
    data = pixels(settings)
    metrics, _, status = train(run, network(data[0].shape[1], settings), data)
    return metrics["test_loss"] if status == "ok" else math.inf, metrics["seconds"]


def made(out=OUT):
    """All trials that have landed."""
    return tomllib.loads(out.read_text("utf-8")).get("trials", []) if out.exists() else []


def search(dataset, variant, base, out=OUT):
    """Makes the trials of a variant that are missing, one after another; returns all of them."""
    experiment, own = SETS[dataset]
    found = []
    for settings in trials(dataset, variant):
        key = (experiment, variant, settings)
        same = [t for t in made(out) if (t["experiment"], t["variant"], t["settings"]) == key]
        if not same:
            keras.utils.clear_session()
            loss, seconds = attempt(base | {"epochs": 1} | own | settings)
            same = [dict(zip(("experiment", "variant", "settings"), key, strict=True))]
            same[0] |= {"loss": round(loss, 4), "seconds": round(seconds, 3)}
            append(same[0], out)
            print(experiment, variant, settings, same[0]["loss"], flush=True)
        found += same[:1]
    return found


def append(trial, out):
    """Adds a trial to the file."""
    head = "" if out.exists() else HEADER
    entry = f'\n[[trials]]\nexperiment = "{trial["experiment"]}"\nvariant = "{trial["variant"]}"\n'
    entry += f"settings = {table(trial['settings'])}\n"
    entry += f"loss = {trial['loss']}\nseconds = {trial['seconds']}\n"
    with out.open("a", encoding="utf-8") as file:
        file.write(head + entry)


def table(settings):
    """Settings as profiles.toml and the trials have them."""
    return f"{{ {', '.join(f'{name} = {json.dumps(v)}' for name, v in settings.items())} }}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", choices=SETS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    given = parser.parse_args()
    best = {
        variant: min(search(given.dataset, variant, defaults()), key=lambda one: one["loss"])
        for variant in given.methods
    }
    print(f"\n[{SETS[given.dataset][0]}.variants]")
    for variant, one in best.items():
        print(f"{variant} = {table(one['settings'])} # {one['loss']} nats")


if __name__ == "__main__":
    main()
