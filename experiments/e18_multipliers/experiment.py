# %% [markdown]
# # e18: what multipliers buy with depth

# %% tags=["parameters"]
results = "build/scratch/results/e18_multipliers"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "pc_alm_10", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "inferred",  # bp, learned, inferred, errors
    "dataset": "fashion_mnist",  # fashion_mnist, mnist; digits ships with scikit-learn
    "train_examples": 10000,
    "held_out": 5000,  # other training images, on which settings are chosen
    "depth": 10,  # hidden layers
    "units": 32,
    "start": "orthogonal",  # default (Keras'), orthogonal, isometric
    "gain": 1.0,  # of the orthogonal start
    "batch_size": 100,
    "epochs": 5,
    "trial_epochs": 2,
    "learning_rates": [3e-4, 1e-3, 3e-3],  # tried; Adam's for the weights, falling linearly to 2 %
    "hidden_weights": [10.0],  # tried with each of them
    "weight_growth": 1.0,  # the last hidden weight over the first, between them geometrically
    "at": "post_activation",
    "target_steps": 40,  # steps of the targets before each one of the weights
    "target_rate": None,  # of the targets; none: what the method has by itself
    "multiplier_rate": None,
    "multiplier_leak": 0.0,
    "refresh_every": None,  # visits after which a row starts again at the forward pass
    "probed": 100,  # training images on which gradients are held against backprop's
    "aligned": [0, 1],  # after these epochs and the last one
}

# %%
from experiments.e18_multipliers.training import Study
from experiments.results import each, save

# %%
study = Study()
order = list(dict.fromkeys(run["variant"] for run in runs))  # a variant's seeds share its trials
for run in each(sorted(runs, key=lambda one: order.index(one["variant"])), settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves, status = study.measure(run)
    save(results, run, metrics=metrics, curves=curves, status=status)
