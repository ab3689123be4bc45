# %% [markdown]
# # e11: a ReLU that learns its slope
# relu(x) - (1 - alpha) relu(-x) with a trained alpha, 1 for ReLU and 0 for the identity. Does a
# larger penalty on alpha send more alphas to zero (C11), does the share drop once on its way (C12),
# does the third layer become a ReLU (C13), does the end depend on the start (C14)? The source's
# document has an L1 penalty and 10,000 images, its code an L2 norm and 60,000: all four pairs.

# %% tags=["parameters"]
results = "build/scratch/results/e11_relu_alpha"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "code", "seed": 0}]  # each may carry settings of its own
settings = {
    "penalty": "norm",  # l1: the sum of a net's alphas; norm: their L2 norm, not squared
    "weights": [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05],
    "paired": False,  # one start and one order of examples for all nets of a run
    "dataset": "fashion_mnist",  # fashion_mnist, mnist; digits ships with scikit-learn
    "train_examples": 0,  # 0: all; else a subsample
    "subsample_seed": None,  # one subsample for all runs
    "largest_start": 1.0,  # alphas start at one of 0, 0.05, ..., this one
    "epochs": 10,
    "batch_size": 64,  # a last short batch is left out
    "learning_rate": 0.01,  # SGD without momentum
    "note_every": 100,  # steps between two notes of all alphas
}

# %%
from experiments.e11_relu_alpha import relu_alpha
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    data = relu_alpha.images(run["settings"], run["seed"])
    metrics, curves, status = relu_alpha.train(run, data)
    save(results, run, metrics=metrics, curves=curves, status=status)
