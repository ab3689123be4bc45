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
    "inner_steps": 7,  # of inferred targets: one for each relaxed layer
    "learning_rate": 1e-5,
    "momentum": 0.999,
    "step_size": 10.0,
    "eta": 1e-3,
    "lowest_rate": 0.25,
    "hidden_weight": 1.0,
    "target_rate": 0.1,
    "schedule": "linear",
}

# %%
import os

# LAPACK's threads would stand in the way of XLA's, and a Cholesky factor take seconds.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import keras
import numpy as np

from benchmarks.contenders import ratio, seconds, take_turns
from experiments.common import autoencoder
from experiments.results import each, progress, save

METHODS = {
    "backprop": {"method": "rmsprop_momentum"},
    "s": {"method": "locoprop_s", "eta": None},
    "s_closed": {"method": "locoprop_s"},
    "m": {"method": "locoprop_m", "eta": None},
    "inferred": {"method": "inferred"},
}


# %%
def contender(name, settings, images):
    """A function that trains one epoch by a method, which is compiled already."""
    chosen, batch = {**settings, **METHODS[name]}, settings["batch_size"]
    keras.utils.set_random_seed(0)
    net = autoencoder.network(images.shape[1], chosen)
    model = autoencoder.method(net, chosen, 10_000)

    def fit():
        model.fit(images, images, batch_size=batch, shuffle=False, verbose=0)

    # Twice: some steps are compiled a second time, for the types that the first one returned.
    return fit, seconds(fit) + seconds(fit)


# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    chosen, metrics, epochs = run["settings"], {}, {}
    batches = chosen["epoch_batches"]
    shape = (chosen["batch_size"] * batches, chosen["pixels"])
    images = np.random.default_rng(run["seed"]).uniform(size=shape).astype("float32")
    first = {}
    for number, name in enumerate(METHODS):
        progress(run, number, len(METHODS) + 1)
        epochs[name], first[name] = contender(name, chosen, images)
    times = take_turns(epochs, chosen["rounds"])
    for name, values in times.items():
        step = float(np.median(values)) / batches
        metrics[f"{name}_seconds"] = step
        metrics[f"{name}_compile_seconds"] = first[name] - 2 * batches * step
        metrics[f"{name}_ratio"] = ratio(values, times["backprop"])
    keras.utils.clear_session()
    save(results, run, metrics=metrics, curves={})
