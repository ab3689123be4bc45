# %% [markdown]
# # e08: where relaxation ends
# A hundred ReLU layers under RAI: NaN cells, a grid, overfitting (C5), and why. Which layers should
# be relaxed (C6)? What is the hidden loss for?
#
# Where a network overflows in most cells it has no landscape that could be grid-like and no
# accuracy that could differ from another: C5b and C5c, once judged on `as_code`, are judged on the
# same net of 32 units (`narrow`), which does not overflow.

# %% tags=["parameters"]
results = "build/scratch/results/e08_limits"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "as_code", "seed": 0}]  # each may carry settings of its own
settings = {
    "activation": "relu",  # or sigmoid
    "depth": 100,  # hidden layers
    "units": 100,
    "start": "default",  # U(+-1/sqrt(fan_in)); he; isometric
    "relaxed": "all",  # none, first, last, every_K, random_K
    "optimizer": "rprop",  # RAI as coded; adam: rates fall, the hidden weight grows
    "learning_rate": 0.1,  # of the weights; Rprop's initial step size
    "target_rate": 2.9e-2,  # Adam's, for the targets
    "hidden_weight": 1.0,  # with Rprop
    "weight_range": [3.9, 1.6e4],  # first and last hidden weight with Adam
    "decay": 0.0,  # factor of the L2 penalty of the kernels
    "iterations": 100,  # full batch
    "measured": [0, 10, 20, 35, 50, 70, 100],  # iterations
    "together": False,  # whether seeds train side by side
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 500,
    "test_seed": 4242,
    "noise": 0.1,
    "extent": 3.0,
    "resolution": 40,
    "landscape": True,  # whether it is saved
}

# %%
from experiments.e08_limits.limits import train
from experiments.results import each, save

# %%
order = list(dict.fromkeys(run["variant"] for run in runs))
trained = {}  # a variant: all its seeds train with the first and are saved before the next one
for run in each(sorted(runs, key=lambda one: order.index(one["variant"])), settings):
    run["provenance"] = provenance | run.get("provenance", {})
    if run["variant"] not in trained:
        same = [one["seed"] for one in runs if one["variant"] == run["variant"]]
        trained = {run["variant"]: train([{**run, "seed": seed} for seed in same])}
    metrics, curves, landscape = trained[run["variant"]][run["seed"]]
    save(results, run, metrics=metrics, curves=curves, landscape=landscape)
