# %% [markdown]
# # e07: the size of a batch
# How can relaxed targets be trained in mini-batches (RQ4)? Digits, batches from one example to
# all, every example visited equally often: accuracy, seconds and bytes of backprop, of kept rows,
# of rows kept for a few steps on a batch, and of targets inferred in every batch. Each has the same
# number of trials for its settings at each size, on held-out training data.
#
# At equal visits a whole batch has few steps, 32 for 2,784 in batches of 16, so that a whole batch
# is trained once more with as many (`accuracy_long`): C4b. C4 had two registered criteria; the one
# not kept, on Fashion-MNIST in batches of 200, had been looked at before: M2 in e07_minibatch.

# %% tags=["parameters"]
results = "build/scratch/results/e07_batches"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "bp", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "bp",  # bp, learned, inferred
    "together": 10,  # seeds trained in one program; a run's numbers are those of its place in it
    "dataset": "digits",
    "held_out": 300,  # training examples on which settings are chosen
    "hidden_units": [32, 32],
    "batch_sizes": [1, 4, 16, 64, 256, 0],  # 0: all
    "visits": 32,  # of each example
    "long_visits": 2784,  # of whole batches: the steps of 32 visits in batches of 16; 0: left out
    "repeats": 1,  # steps in a row on the same batch, each of them a visit
    "refresh_every": None,  # visits after which a kept row starts again at the forward pass
    "learning_rates": [1e-3, 1e-2],  # tried; Adam's for the weights, falling linearly to 2 %
    "hidden_weights": [1.0],  # tried with each of them
    "at": "pre_activation",
    "target_rate": 0.3,  # the share of a mismatch that one step of a target removes
    "inner_steps": 3,  # of inferred targets
    "timed_epochs": 5,  # at least, after one that compiles; the fastest counts
    "timed_seconds": 3.0,  # at least, of these epochs together
}

# %%
from experiments.e07_batches.batch_sizes import measured
from experiments.results import each, save

# %%
order = list(dict.fromkeys(run["variant"] for run in runs))
found = {}  # a variant: its seeds train together and are saved before the next one trains
for run in each(sorted(runs, key=lambda one: order.index(one["variant"])), settings):
    run["provenance"] = provenance | run.get("provenance", {})
    if run["variant"] not in found:
        found[run["variant"]] = measured(run)
    metrics, curves = found[run["variant"]][run["seed"]]
    save(results, run, metrics=metrics, curves=curves)
