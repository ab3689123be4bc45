"""Chooses the settings of e07: few trials a variant, as many for backprop, on held-out data.

    RAIKERAS_DATA=FOLDER KERAS_BACKEND=jax python -m experiments.e07_minibatch.search

Every trial trains once (seed 0) on 20,000 training images for 5 epochs and is judged on 10,000
other training images; the test images are not looked at. All trials go to trials.toml of the
report's study; the best one of each variant is what profiles.toml has for it. Trials in the file
are not repeated: delete it to search anew.
"""

import json
import time
import tomllib
from pathlib import Path

import keras

from experiments.common.minibatch import classifier, images
from experiments.driver.profiles import script_settings
from experiments.e07_minibatch.methods import train

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "report" / "studies" / HERE.name / "trials.toml"
HEADER = "# Written by experiments/e07_minibatch/search.py: accuracy on held-out training data.\n"
SMALL = {"held_out": 10000, "train_examples": 20000, "epochs": 5}
KEPT = {"method": "learned", "hidden_weight": 12.8, "target_rate": 0.3, "learning_rate": 3e-3}
GROWING = KEPT | {"hidden_weight": 3.0, "last_weight": 30.0}
REPEATED = KEPT | {"repeats": 4, "refresh_every": 4, "target_rate": 0.4}
INFERRED = {"method": "inferred", "hidden_weight": 1280.0, "target_rate": 0.3, "inner_steps": 3}
TRIALS = {
    "bp": [
        {"method": "bp", "learning_rate": rate} for rate in (5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2)
    ],
    "bp_repeated": [
        {"method": "bp", "repeats": 4, "learning_rate": rate}
        for rate in (3e-4, 5e-4, 1e-3, 2e-3, 3e-3, 5e-3)
    ],
    "learned": [
        KEPT,
        KEPT | {"hidden_weight": 3.0},
        KEPT | {"hidden_weight": 50.0},
        KEPT | {"at": "post_activation"},
        KEPT | {"target_optimizer": "adam"},
        KEPT | {"relax_output": True, "target_rate": 0.01},  # the share of the widest mismatch
    ],
    "learned_growing": [
        GROWING,
        GROWING | {"hidden_weight": 1.0, "last_weight": 128.0},
        GROWING | {"hidden_weight": 1.0, "last_weight": 12.8},
        GROWING | {"hidden_weight": 12.8, "last_weight": 128.0},
        GROWING | {"target_rate": 0.15},
        GROWING | {"learning_rate": 1e-3},
    ],
    "learned_repeated": [
        REPEATED,
        REPEATED | {"target_rate": 0.8},
        REPEATED | {"hidden_weight": 4.0},
        REPEATED | {"hidden_weight": 50.0},
        REPEATED | {"repeats": 6, "refresh_every": 6},
        REPEATED | {"learning_rate": 1e-3},
    ],
    "inferred": [
        INFERRED,
        INFERRED | {"hidden_weight": 128.0},
        INFERRED | {"hidden_weight": 12.8},
        INFERRED | {"inner_steps": 10},
        INFERRED | {"at": "post_activation"},
        INFERRED | {"learning_rate": 1e-3},
    ],
}


def defaults():
    """The settings of the parameters cell."""
    return script_settings(HERE / "experiment.py")


def attempt(variant, changes):
    """One trial: its accuracy on held-out data, -1 where it diverged."""
    settings = defaults() | changes | SMALL
    keras.utils.set_random_seed(0)
    now = time.perf_counter()
    run = {"variant": variant, "seed": 0, "settings": settings, "number": 1, "total": 1}
    run |= {"started": now, "printed": now}
    data = images(settings)
    net = classifier([data[0].shape[1], *settings["hidden_units"], 10])
    metrics, _, status = train(run, net, data)
    return metrics["test_accuracy"] if status == "ok" else -1.0


def main():
    known = tomllib.loads(OUT.read_text("utf-8"))["trials"] if OUT.exists() else []
    made = []
    for variant, trials in TRIALS.items():
        for changes in trials:
            same = [t for t in known if (t["variant"], t["settings"]) == (variant, changes)]
            accuracy = same[0]["accuracy"] if same else attempt(variant, changes)
            print(variant, changes, accuracy, flush=True)
            made.append({"variant": variant, "settings": changes, "accuracy": accuracy})
    OUT.write_text("\n".join([HEADER, *map(_entry, made)]), encoding="utf-8")


def _entry(trial):
    pairs = ", ".join(f"{name} = {json.dumps(v)}" for name, v in trial["settings"].items())
    return (
        f'[[trials]]\nvariant = "{trial["variant"]}"\nsettings = {{ {pairs} }}\n'
        f"accuracy = {trial['accuracy']}\n"
    )


if __name__ == "__main__":
    main()
