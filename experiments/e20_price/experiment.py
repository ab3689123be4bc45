# %% [markdown]
# # e20: the price of a gap
# Sigmoid nets of 10 to 300 layers on Moons under RAI, from the isometric start, with a hidden
# weight that stays and with one that grows: what do residuals of the layers do to the deployed
# network?
#
# The bound and the least price take for each layer the factor by which it enlarges the distance of
# the deployed path from the relaxed one, example by example. Means over examples of logarithms.
#
# Fixed before the full run, after pilots on two seeds that no run has (there bound_orders were .03
# to .28, price_orders .08 to .23 at 10 and 30 layers and .8 to 1.2 deeper, discount_orders 1.7,
# 2.3, 3.6 and 3.1, prediction_orders 0 to .1 with the growing weight up to 100 layers):
# - P1. The bound is tight: within a factor of 2 of the distance, at every depth and weight.
# - P2. Training leaves nearly the least mismatch that its output's distance costs: within a factor
#   of 3 at 10 and 30 layers, with the constant weight; at 100 and 300 it does not (P3).
# - P4. Depth makes a wrong output cheap: the discount grows by a factor of 2 or more from 10 to 30
#   and from 30 to 100 layers.
# - P5. With the growing weight residuals predict the deployed loss to first order: within a factor
#   of 1.5 at 10, 30 and 100 layers.

# %% tags=["parameters"]
results = "build/scratch/results/e20_price"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "constant_10", "seed": 0}]  # each may carry settings of its own
settings = {
    "depth": 10,  # hidden layers
    "units": 24,
    "iterations": 600,  # full batch
    "learning_rate": 1e-3,  # Adam's for the weights, falling linearly to 2 %
    "target_rate": 2.9e-2,  # and for the targets
    "first_weight": 3.9,  # of the hidden loss, growing geometrically
    "last_weight": 3.9,
    "first_seed": 20_000,
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 1000,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 30,  # iterations after which paths are compared
}

# %%
from experiments.e20_price.training import measured
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves, status = measured(run)
    save(results, run, metrics=metrics, curves=curves, status=status)
