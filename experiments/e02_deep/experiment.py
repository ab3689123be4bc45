# %% [markdown]
# # e02: a hundred sigmoid layers on Moons
# Backprop fails at depth 100 and RAI trains, with no skip connections (C2): with which start, which
# protocol, and does the deployed network know? `bp_isometric` is the fair baseline.

# %% tags=["parameters"]
results = "build/scratch/results/e02_deep"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_growing", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai_growing",  # bp, bp_isometric, rai_as_code, rai_as_document, rai_growing
    "depth": 100,  # hidden layers
    "units": 100,
    "learning_rate": 3.9e-4,  # of the weights; Rprop's initial step size
    "iterations": 1000,  # full batch
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 2000,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 60,  # iterations at which the deployed network is measured
    "extent": 3.0,
    "resolution": 100,
}

# %%
import keras

from experiments.common.moons import dense_net, landscape, moons, train
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    keras.utils.set_random_seed(run["seed"])
    data = moons(run["settings"])
    widths = [2] + [run["settings"]["units"]] * run["settings"]["depth"] + [1]
    net = dense_net(widths, "sigmoid")
    metrics, curves, status = train(run, net, data)
    save(
        results,
        run,
        metrics=metrics,
        curves=curves,
        landscape=landscape(net, run["settings"]),
        status=status,
    )
