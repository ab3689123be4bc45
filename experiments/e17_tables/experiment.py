# %% [markdown]
# # e17: small tables, trained short and long
# To be written.

# %% tags=["parameters"]
results = "build/scratch/results/e17_tables"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "bp", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "bp",
    "sets": {  # data sets and the steps of a run
        "energy": 10000,
        "concrete": 10000,
        "friedman1": 10000,
        "wine-quality-red": 4000,
        "diabetes": 4000,
        "digits": 4000,
    },
    "first_split": 4,  # of seed 0: the splits before it were looked at
    "budgets": [400, 2000, 10000],  # steps
    "first_checkpoint": 10,
    "checkpoints": 20,  # about, evenly spaced in the logarithm of the steps
    "hidden_units": [50, 50],
    "held_out": 0.2,  # of the training part
    "batch_size": 64,  # of methods in mini-batches
    "image_examples": 2000,  # training images, held-out ones included
}

# %%
from experiments.common.tabular_training import save_variants
from experiments.e17_tables.contest import results_of

# %%
save_variants(results, runs, settings, provenance, results_of)
