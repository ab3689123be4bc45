# %% [markdown]
# # e05: generalisation
# Does RAI generalise as well as backprop on regression and classification (RQ1)? One net, one start
# and six settings a method on each split of small tables, and on images with a subset for training;
# held-out rows choose the setting, test rows judge the deployed network.

# %% tags=["parameters"]
results = "build/scratch/results/e05_generalisation"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "bp", "seed": 0}]  # each may carry settings of its own; a seed is a split
settings = {
    "method": "bp",
    "sets": [
        "concrete",
        "energy",
        "kin8nm",
        "power-plant",
        "wine-quality-red",
        "diabetes",
        "digits",
        "breast_cancer",
        "wine",
    ],
    "image_examples": 10000,  # training images, held-out ones included; test images: all
    "hidden_units": [50, 50],
    "held_out": 0.2,  # of the training part
    "batch_size": 64,
    "steps": 800,  # in mini-batches
    "full_batch_rows": 2000,  # with more fitted rows the growing weight has mini-batches
    "source_steps": 200,  # in full batches, of the source's protocol
    "growing_steps": 400,  # of the growing weight
    "many_rows_steps": 100,  # of the source's protocol with more rows
    "first_weight": 0.1,  # hidden weight at the start and at the end
    "last_weight": 100.0,
}

# %%
from experiments.common.tabular_training import save_variants
from experiments.e05_generalisation.methods import results_of

# %%
save_variants(results, runs, settings, provenance, results_of)
