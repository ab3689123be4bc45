# %% [markdown]
# # e04: gain, rate and depth
# Is RAI more sensitive to its start than backprop (RQ3)? Plain sigmoid nets on Moons from the
# isometric start: which gains of the start and which rates of the weights train the deployed
# network, and how much do the boundaries of such runs differ? RAI has a rate that backprop has
# not, that of its targets: `rai_rates` scan it against that of the weights, at the rule's gain.

# %% tags=["parameters"]
results = "build/scratch/results/e04_initialisation"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "rai_10", "seed": 0}]  # each may carry settings of its own
settings = {
    "method": "rai",  # bp, rai
    "depth": 10,  # hidden layers
    "units": 24,
    "iterations": 300,  # full batch
    "gain_count": 9,  # gains of the start, the rule's one in the middle
    "gain_step": 1.5,  # each is this factor above the one before
    "lowest_rate": 1e-5,  # of the weights; falls linearly to 2 % in every run
    "highest_rate": 10.0,
    "rate_count": 13,
    "lowest_target_rate": 2.9e-5,
    "highest_target_rate": 29.0,
    "target_rate_count": 0,  # more: rates of the targets in place of gains
    "refine": True,  # train every second line, then cells beside which the outcome turns
    "default_rates": [1e-3, 1e-2, 1e-1],  # of the nets with a default start
    "target_rate": 2.9e-2,  # where gains are scanned
    "first_weight": 3.9,  # of the mismatch; grows geometrically
    "last_weight": 1.6e4,
    "wanted": 0.95,  # deployed test accuracy that counts as success
    "train_examples": 100,
    "train_seed": 42,
    "test_examples": 1000,
    "test_seed": 4242,
    "noise": 0.1,
    "extent": 3.0,  # of the landscape
    "resolution": 50,
}

# %%
from experiments.e04_initialisation.trainer import Trainer, measured
from experiments.results import each, save

# %%
trainers = {}  # what is compiled for one seed serves the others
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    if run["variant"] not in trainers:
        trainers[run["variant"]] = Trainer(run["settings"])
    metrics, curves, landscape = measured(run, trainers[run["variant"]])
    save(results, run, metrics=metrics, curves=curves, landscape=landscape)
