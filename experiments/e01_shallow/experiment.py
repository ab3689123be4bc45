# %% [markdown]
# # e01: a shallow ReLU net on Moons
# Does RAI classify as backprop does, with another decision boundary (C1), and does its boundary
# vary more across runs (C3)? The net is the source's, 2-42-100-100-42-1; the source's backprop ran
# another one for 100 iterations, which is the variant `bp_source`.

# %% tags=["parameters"]
results = "build/scratch/results/e01_shallow"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_as_code", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai_as_code",  # bp, rai_as_code, rai_as_document
    "hidden_units": [42, 100, 100, 42],
    "learning_rate": 0.1,  # Rprop's initial step size
    "iterations": 10000,  # full batch
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 2000,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 60,  # iterations at which the deployed network is measured
    "extent": 3.0,
    "resolution": 100,
}

# %%
import keras

from experiments.common.moons import dense_net, landscape, moons, train
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    keras.utils.set_random_seed(run["seed"])
    data = moons(run["settings"])
    net = dense_net([2, *run["settings"]["hidden_units"], 1], "relu")
    metrics, curves, status = train(run, net, data)
    save(
        results,
        run,
        metrics=metrics,
        curves=curves,
        landscape=landscape(net, run["settings"]),
        status=status,
    )
