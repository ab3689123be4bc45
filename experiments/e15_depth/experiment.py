# %% [markdown]
# # e15: how deep can a plain sigmoid net be? (D1, D2)
# The deep net of e02 with 1,000 to 10,000 hidden layers, from an isometric start whose gain falls
# with depth: RAI with a growing hidden weight and backprop with a tuned Adam. At the least depth
# also the rates and the gains at which each works.

# %% tags=["parameters"]
results = "build/scratch/results/e15_depth"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_1000", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai",  # bp, rai
    "depth": 1000,  # hidden layers
    "units": 64,
    "gain_scale": 3.0,  # gain = 1 + sqrt(gain_scale / depth), at most 1.25
    "learning_rates": [1e-3],  # of the weights; several: one net each
    "gains": [],  # in place of gain_scale's; several: one net each
    "target_rate": 2e-2,
    "first_weight": 3.9,  # of the hidden loss, growing geometrically
    "last_weight": 1.6e4,
    "iterations": 500,  # full batch
    "first_seed": 1000,  # settings were found on seed 0, which no run has
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 2000,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 10,  # how often the deployed network is measured
    "success": 0.95,  # test accuracy at which a rate or gain counts as one that works
}

# %%
from experiments.e15_depth.deep import Deep
from experiments.results import each, save

# %%
deep = Deep()
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves, status = deep.measure(run)
    save(results, run, metrics=metrics, curves=curves, status=status)
