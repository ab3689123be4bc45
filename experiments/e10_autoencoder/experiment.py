# %% [markdown]
# # e10: deep autoencoders
# Does LocoProp train a deep autoencoder faster than the first-order optimizers, per epoch and per
# second (C9)? Every method trains the same nets on the same batches, at settings chosen on held-out
# training data by `search_autoencoder.py`; the published notebook's protocol is run beside them.
# The experiments e10_mnist, e10_fashion, e10_faces and e10_curves of profiles.toml share this
# script.

# %% tags=["parameters"]
results = "build/scratch/results/e10_mnist"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "adam", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "adam",  # a name in autoencoder.OPTIMIZERS, or locoprop_s, locoprop_m, inferred
    "dataset": "mnist",  # mnist, fashion_mnist, olivetti, curves; digits ships with scikit-learn
    "train_examples": 0,  # 0: all
    "held_out": 0,  # training examples that stand in for the test data
    "hidden_units": [1000, 500, 250],  # of the encoder; the decoder's are the same in reverse
    "code_units": 30,
    "epochs": 5,
    "batch_size": 1000,
    "learning_rate": 1e-3,  # at its highest
    "schedule": "linear",  # up over a twentieth of the steps, then down to zero; or notebook
    "momentum": 0.9,  # of momentum, nesterov and of the RMSprop that takes the local steps
    "step_size": 10.0,  # LocoProp's gamma: how far a target lies from the forward pass
    "local_steps": 10,  # of LocoProp, per batch
    "lowest_rate": 0.25,  # share of the rate that the last local steps have
    "eta": None,  # LocoProp-S in closed form: how far the weights may go
    "inner_steps": None,  # of inferred targets; none: as many as there are hidden layers
    "hidden_weight": 100.0,  # of inferred targets
    "target_rate": 0.5,  # of inferred targets: share of a mismatch that one step removes
    "pictures": 8,  # test images whose reconstructions are kept, of seed 0
}

# %%
import os

# LAPACK's threads would stand in the way of XLA's, and a Cholesky factor take seconds.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import keras

from experiments.common.autoencoder import network, pixels, reconstructions, train
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    keras.utils.set_random_seed(run["seed"])
    data = pixels(run["settings"])
    net = network(data[0].shape[1], run["settings"])
    metrics, curves, status = train(run, net, data)
    kept = None if run["seed"] else reconstructions(net, data[1], run["settings"]["pictures"])
    save(results, run, metrics=metrics, curves=curves, landscape=kept, status=status)
