# %% [markdown]
# # e16: what local steps cost
# Step time of LocoProp-S, its closed form, LocoProp-M and inferred targets beside Keras' own
# backprop with the same optimizer, on the autoencoder of MNIST with random pixels. All methods take
# turns. The variants differ in their backend. Times are results here: let the machine do nothing
# else.

# %% tags=["parameters"]
results = "build/scratch/results/e16_local_steps"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "jax", "seed": 0}]  # each may carry settings of its own
settings = {
    "pixels": 784,
    "hidden_units": [1000, 500, 250],
    "code_units": 30,
    "batch_size": 1000,
    "epoch_batches": 5,  # of each fit that is timed
    "rounds": 5,
    "local_steps": 10,
    "learning_rate": 1e-5,
    "momentum": 0.999,
    "step_size": 10.0,
    "eta": 1e-3,
    "lowest_rate": 0.25,
    "hidden_weight": 1.0,
    "target_rate": 0.1,
}

# %%
import os

# LAPACK's threads would stand in the way of XLA's, and a Cholesky factor take seconds.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from experiments.e16_local_steps.local_steps import measured
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    save(results, run, metrics=measured(run), curves={})
