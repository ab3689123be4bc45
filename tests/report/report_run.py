"""Made-up results of every experiment, as the report's tests write and read them."""

import functools
import json
from pathlib import Path

import numpy as np
from alpha_run import alpha_part
from autoencoder_run import autoencoder_part, matching_part
from depth_run import depth_part
from gradients_run import approximation_part, gradients_part
from initialisation_run import batches_part, initialisation_part
from limits_run import limits_part
from mlp_run import mlp_part
from multipliers_run import multipliers_part
from price_run import price_part
from scaling_run import local_steps_part, scaling_part
from tables_run import digits_part, tables_part
from trained_depth_run import trained_depth_part

from experiments.driver import profiles
from experiments.results import schema
from report.lib import studies

PROFILES = profiles.read(Path(__file__).resolve().parents[2])
EXPERIMENTS = studies.experiments()
PARTS = {
    "e03": gradients_part,
    "e17_digits": digits_part,
    "e17": tables_part,
    "e18": multipliers_part,
    "e19": trained_depth_part,
    "e20": price_part,
    "e13": approximation_part,
    "e09": matching_part,
    "e10": autoencoder_part,
    "e11": alpha_part,
    "e12": mlp_part,
    "e14": scaling_part,
    "e15": depth_part,
    "e16": local_steps_part,
    "e08": limits_part,
    "e04": initialisation_part,
    "e07_batches": batches_part,
}
PROVENANCE = {
    "key": "0a1b2c3d4e",
    "commit": "0123456789",
    "dirty": False,
    "profile": "smoke",
    "python": "3.11",
    "versions": {"keras": "3.12.0", "scikit-learn": "1.7.2"},
    "backend": "jax",
    "device": "cpu",
    "processor": "a_processor & more",
    "dtype": "float32",
    "threads": 2,
    "wall_seconds": 2.0,
    "utc": "2026-11-21T08:00:00Z",
}


def make_run(experiment, variant, seed, accuracy=0.9, status="ok", grid=None):
    """A result of the contract's form with tiny curves; a diverged one has no metrics."""
    relaxed = EXPERIMENTS[experiment].variants[variant].relaxed
    lost = status == "diverged"
    size = 8
    if grid is None:
        grid = np.add.outer(np.arange(size), np.arange(size) + seed) % (size + 1) / size
    names = "train_accuracy test_accuracy train_loss test_loss".split()
    relaxed_names = "relaxed_loss task_loss hidden_loss deployment_gap".split()
    content = {
        "experiment": experiment,
        "variant": variant,
        "seed": seed,
        "status": status,
        "settings": {"iterations": 2, "method": "rai" if relaxed else "bp", "units": [8, 8]},
        "metrics": {name: None if lost else accuracy for name in names}
        | {name: 0.01 * (seed + 1) if relaxed and not lost else None for name in relaxed_names}
        | {"seconds": 1.0, "compile_seconds": 0.5, "iterations": 2}
        | {"epochs": 2, "store_bytes": 1000 * relaxed},
        "curves": {
            "iteration": [0, 1, 2],
            "epoch": [0, 1, 2],
            "seconds": [0.0, 0.5, 1.0],
            **{name: [0.5, 0.6, None if lost else 0.7] for name in names[:2]},
            "deployed_loss": [0.7, 0.6, None if lost else 0.5],
            **{name: [0.7, 0.4, 0.2] if relaxed else [None] * 3 for name in relaxed_names[:2]},
            "during_loss": [None, 0.5, 0.4] if relaxed else [None] * 3,
        },
        "landscape": None
        if lost
        else {
            "low": -3.0,
            "high": 3.0,
            "resolution": len(grid),
            "permille": [round(1000 * value) for value in np.ravel(grid)],
        },
        "provenance": dict(PROVENANCE),
    }
    content |= PARTS.get(experiment, PARTS.get(experiment[:3], lambda seed: {}))(seed)
    return as_saved(content)


@functools.cache
def settings(experiment, variant):
    """Those of a full run."""
    folder, entry = PROFILES[experiment]
    full = entry["profiles"]["full"]
    chosen = entry["variants"][variant] | full.get("all", {}) | full.get(variant, {})
    own = {name: value for name, value in chosen.items() if name not in ("backend", "seeds")}
    return profiles.script_settings(folder / "experiment.py") | own


def as_saved(run):
    """A run with all settings, and with the names of its study's schema and no others."""
    own = schema.of(run["experiment"])
    known = settings(run["experiment"], run["variant"])
    run = {**run, "settings": known | run.get("settings", {})}
    metrics, curves = run["metrics"], run["curves"]
    names = [*own.metrics(run["settings"])]
    names += [name for name in getattr(own, "optional", lambda _: ())(run["settings"])]
    value = None if run.get("status") == "diverged" else 0.5
    run["metrics"] = {name: metrics.get(name, value) for name in names}
    run["curves"] = {name: curves.get(name) for name in own.curves(run["settings"])}
    lengths = [len(curve) for curve in run["curves"].values() if curve is not None]
    for name, curve in run["curves"].items():
        if curve is None:
            run["curves"][name] = [0.5] * max(lengths, default=3)
    return run


def write(folder, runs):
    """Writes results where the report looks for them; returns the folder."""
    for run in map(as_saved, runs):
        file = folder / run["experiment"] / run["variant"] / f"seed-{run['seed']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run))
    return folder
