# %% [markdown]
# # e09: matching losses
# Are the nine matching losses the Bregman divergences that they are said to be (C10)? The library's
# single-precision formulas against the same functions in double precision. And is LocoProp-S
# what its derivation says: backprop after one local step (C7), the fixed point after the closed
# form (C8)?

# %% tags=["parameters"]
results = "build/scratch/results/e09_matching"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "library", "seed": 0}]  # each may carry settings of its own
settings = {
    "largest": 1e4,  # pre-activations from minus this to this
    "moderate": 20.0,  # and those of the duality, which double precision keeps apart up to here
    "points": 120,  # of each grid; all pairs are compared
    "drawn": 3.0,  # half the width of the gallery
    "drawn_points": 121,
    "drawn_targets": [-1.5, 0.0, 1.5],
    "widths": [20, 16, 12, 8],  # of the net for C7 and C8, inputs first
    "examples": 32,
    "learning_rate": 1e-2,
    "step_size": 100.0,  # moves much larger than what rounding the weights takes from them
    "eta": 0.1,
}

# %%
from experiments.e09_matching.matching import measured
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves, status = measured(run["seed"], run["settings"])
    save(results, run, metrics=metrics, curves=curves, status=status)
