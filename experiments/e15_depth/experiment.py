# %% [markdown]
# # e15: what the start of a very deep net has, and what steps can reach (D3)
# The deep net of e02 with 1,000 to 10,000 hidden layers, from an isometric start whose gain falls
# with depth: a logistic regression on its last hidden layer, and RAI with a growing hidden weight,
# whose k steps move the last k hidden layers and no other.

# %% tags=["parameters"]
results = "build/scratch/results/e15_depth"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_1000", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai",
    "depth": 1000,  # hidden layers
    "units": 64,
    "gain_scale": 3.0,  # gain = 1 + sqrt(gain_scale / depth), at most 1.25
    "learning_rate": 1e-3,  # of the weights
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
