# %% [markdown]
# # e03: vanishing gradients
# Does the derivative of a chain vanish as its formula says (C20, equation 23)? Gradients by layer
# and depth of five activations at six starts, beside the theory of wide layers; along training,
# for backprop and for RAI, whose layers have gradients of their own; and the cliff.

# %% tags=["parameters"]
results = "build/scratch/results/e03_gradients"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "sigmoid", "seed": 0}]  # each may carry settings of its own
settings = {
    "part": "net",  # chain, net, local, cliff
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 100,  # not used
    "test_seed": 4242,
    "noise": 0.1,
    # chain: equation 23 against automatic differentiation
    "lengths": [1, 2, 3, 5, 10, 20, 50],
    "draws": 20,
    # net: at the start, then along training
    "activation": "sigmoid",
    "units": 50,
    "depths": [5, 10, 20, 35, 50],  # hidden layers
    "large_gain": 16.0,  # times the default start: weights that are too large
    "bias_range": [2.0, 4.0],  # of the start whose pre-activations are large, of either sign
    "fits": [],  # bp_default, bp_isometric, rai
    "trained_depth": 20,
    "iterations": 200,  # full batch
    "first_steps": 30,  # each of which is kept
    "steps_apart": 10,  # afterwards
    "bp_rate": 3e-3,  # Adam
    "rai_rate": 0.1,  # Rprop, weights and targets
    # local: the same lowest layers below few and many others
    "local_activations": ["sigmoid", "tanh", "relu", "arctan", "elu"],
    "local_depths": [5, 30],
    "shift": 0.1,  # standard deviation of targets around the forward pass
    # cliff
    "cliff_steps": 18,
    "goal": 0.7,
    "start": [6.6, -3.0],  # weight and bias
    "cut": [5.4, 6.6],
    "cut_points": 1201,
    "cliff_rate": 0.5,
    "cliff_iterations": 150,
    "clip": 0.05,
}

# %%
import os

# LAPACK's threads would stand in the way of XLA's.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from experiments.e03_gradients.parts import measured
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves = measured(run["seed"], run["settings"])
    save(results, run, metrics=metrics, curves=curves)
