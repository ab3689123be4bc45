# %% [markdown]
# # e15: a thousand sigmoid layers on Moons
# The deep net of e02 ten times as deep, from the isometric start: RAI with the settings of depth
# 100, unchanged (D1), and backprop with a rate that suits the depth and with RAI's (D2).

# %% tags=["parameters"]
results = "build/scratch/results/e15_thousand"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_growing", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai_growing",  # bp_isometric, rai_growing
    "depth": 1000,  # hidden layers
    "units": 100,
    "learning_rate": 3.9e-4,  # of the weights
    "iterations": 1000,  # full batch
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 2000,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 30,  # iterations at which the deployed network is measured
    "extent": 3.0,
    "resolution": 100,
}

# %%
import keras
from common import dense_net, landscape, moons
from results import each, save
from thousand import train

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    keras.utils.set_random_seed(run["seed"])
    data = moons(run["settings"])
    widths = [2] + [run["settings"]["units"]] * run["settings"]["depth"] + [1]
    net = dense_net(widths, "sigmoid")
    twin, metrics, curves, status = train(run, net, data)
    save(
        results,
        run,
        metrics=metrics,
        curves=curves,
        landscape=landscape(twin, run["settings"]),
        status=status,
    )
