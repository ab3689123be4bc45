# %% [markdown]
# # e13: approximation
# How does the error of a net with one hidden layer fall as it grows wider (C21)? A smooth, a kinked
# and a discontinuous target in one, two and four dimensions. The same random hidden layer is once
# kept, its output layer solved for by least squares, and once the start of training, so that what
# the net can express and what Adam finds are told apart.

# %% tags=["parameters"]
results = "build/scratch/results/e13_approximation"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "tanh", "seed": 0}]  # each may carry settings of its own
settings = {
    "activation": "tanh",
    "dimensions": [1, 2, 4],
    "widths": [2, 4, 8, 16, 32, 64, 128, 256, 512],  # least squares
    "trained_widths": [2, 8, 32, 128, 512],
    "train_examples": 4096,  # and as many held out, for the cutoff of least squares
    "steepness": 10.0,  # standard deviation of the hidden layer's weights at its start
    "steps": 6000,
    "batch_size": 256,
    "learning_rate": 1e-2,  # Adam, falling to zero along a cosine
    "grid_points": 10001,  # in one dimension
    "sample_power": 14,  # of two: points of the Sobol sequence in more
    "edge_points": 400,  # directions in which the step is met
    "edge": 1e-9,  # distance from the step
}

# %%
import os

# LAPACK's threads would stand in the way of XLA's, and a factor take seconds.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from experiments.e13_approximation.approximation import measured
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves = measured(run["seed"], run["settings"])
    save(results, run, metrics=metrics, curves=curves)
