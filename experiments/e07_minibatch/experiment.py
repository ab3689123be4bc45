# %% [markdown]
# # e07: mini-batches of Fashion-MNIST
# Do relaxed targets train as well as backprop when the data come in mini-batches (M1, M2), and at
# what price in time and memory? Three ways to have targets: kept for each example between its
# visits, kept for a few steps in a row on the same batch, inferred afresh in every batch.
# Settings were chosen on held-out training data by `search_minibatch.py`.

# %% tags=["parameters"]
results = "build/scratch/results/e07_minibatch"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "inferred", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "inferred",  # bp, learned, inferred
    "dataset": "fashion_mnist",  # fashion_mnist, mnist; digits ships with scikit-learn
    "train_examples": 0,  # 0: all
    "held_out": 0,  # training examples that stand in for the test data
    "hidden_units": [256, 256],
    "epochs": 10,
    "batch_size": 200,
    "repeats": 1,  # steps in a row on the same batch
    "learning_rate": 3e-3,  # Adam's for the weights, falling linearly to 2 %
    "relax_output": False,  # whether the output layer has targets too
    "at": "pre_activation",
    "hidden_weight": 128.0,
    "last_weight": None,  # the weight grows geometrically to this one
    "target_optimizer": "sgd",  # sgd, adam
    "target_rate": 0.3,  # adam's rate; sgd's as the share of a mismatch that one step removes
    "inner_steps": 5,  # of inferred targets
    "refresh_every": None,  # visits after which a kept row starts again at the forward pass
}

# %%
import keras

from experiments.common.minibatch import classifier, images
from experiments.e07_minibatch.methods import train
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    keras.utils.set_random_seed(run["seed"])
    data = images(run["settings"])
    net = classifier([data[0].shape[1], *run["settings"]["hidden_units"], 10])
    metrics, curves, status = train(run, net, data)
    save(results, run, metrics=metrics, curves=curves, status=status)
