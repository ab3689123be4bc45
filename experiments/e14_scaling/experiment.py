# %% [markdown]
# # e14: what a training step costs
# Step time, first epoch and bytes of rows of RAI, fused and layer by layer, beside Keras' own
# backprop and the floor of three batched products, as depth, width and batch grow. A run visits the
# centre and then one dimension after another; within a point all methods take turns. The variants
# differ in their backend. Times are results here: let the machine do nothing else.

# %% tags=["parameters"]
results = "build/scratch/results/e14_scaling"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "jax", "seed": 0}]  # each may carry settings of its own
settings = {
    "depth": 100,  # hidden layers, at the centre
    "units": 100,
    "batch": 100,
    "depths": [],  # other points: one dimension changed, the others as at the centre
    "widths": [],
    "batches": [],
    "optimizers": ["rprop", "sgd"],  # of weights and targets, of both sides
    "epoch_batches": 20,
    "epochs": 5,  # of each fit that is timed: what a fit costs once is shared by its steps
    "rounds": 5,
    # Deeper nets are not run with the method: their steps take too long to compile.
    "deepest": {"backprop": 300, "layerwise": 300, "fused": 100000},
}

# %%
import os

os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # compilation is timed, not remembered

from experiments.e14_scaling.scaling import measured, start_up
from experiments.results import each, save

# %%
start_up()
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves = measured(run)
    save(results, run, metrics=metrics, curves=curves)
