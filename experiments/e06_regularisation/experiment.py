# %% [markdown]
# # e06: regularisation
# What closes RAI's gap to backprop on small tables (RQ2)? The source's objective with one
# regulariser at a time, beside backprop with those that it can have. Held-out rows choose among
# three strengths, test rows judge the deployed network.

# %% tags=["parameters"]
results = "build/scratch/results/e06_regularisation"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "bp_none", "seed": 0}]  # each may carry settings of its own; a seed is a split
settings = {
    "method": "bp",  # bp, rai
    "regulariser": "none",
    "regression": ["concrete", "energy", "diabetes"],
    "classification": ["breast_cancer", "wine"],
    "image_examples": 0,  # no images
    "hidden_units": [50, 50],
    "held_out": 0.2,  # of the training part
    "batch_size": 64,
    "steps": 800,  # of backprop, in mini-batches
    "full_batch_rows": 2000,
    "full_batch_steps": 250,  # of RAI
}

# %%
from experiments.common.tabular_training import save_variants
from experiments.e06_regularisation.regularisers import results_of

# %%
save_variants(results, runs, settings, provenance, results_of)
