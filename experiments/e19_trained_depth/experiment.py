# %% [markdown]
# # e19: depth that must be trained
# Two tasks on which neither the start nor the last layers suffice, and who trains them.
#
# The bottleneck: digits through layers of six units. What the untrained first layer drops of an
# image no later layer can bring back, so what the task asks has to reach the first layer, through
# 10, 30 or 100 tanh layers (backprop: up to 1,000). Batches of 100, 2,000 steps; RAI in full
# batches.
# The spirals: two of three turns each, five hidden layers of eight units, full batches. Where both
# classes lie side by side, a batch's gradient is a small difference of its examples' large ones.
#
# Backprop (`bp`), in full batches (`bp_full`: shown, not judged, and added when `rows` were known,
# for products in a row), of the last layers alone (`bp_last`), with skips (`bp_residual`);
# targets inferred by the penalty along its curvature (`inferred`) and with multipliers (`pc_alm`),
# two steps a layer, on the spirals also eight and 32; RAI with multipliers, one step of rows for
# each of the weights (`rows`); muPC (`mu_pc`), residual as `bp_residual` and as many steps as
# targets. Plain nets start at orthogonal kernels of gain 1.05, residual ones as Depth-muP.
#
# Every variant has six trials, rates or pairs of rate and hidden weight, on three starts and splits
# that no run has; the mean accuracy on held-out examples chooses. Test examples are looked at in
# the runs alone.
#
# Fixed before the full run (the deployed network's test accuracy; a verdict needs the 95 % interval
# of the paired difference on its side):
# - D1. The bottleneck has to be trained at its bottom: `bp_last` .2 or more below `bp` at 10, 30
#   and 100, and logistic regression on the untrained net's last hidden layer at most at .7.
# - D2. Multipliers train it: `pc_alm` at most .02 below `bp` at 10, 30 and 100.
# - D4. So does RAI at 10: `rows` at most .02 below `bp`; at 30 it falls behind, by .02 or more.
# - D5. Plain nets with multipliers do as well as backprop with skip connections, at most .02 below,
#   at 10, 30 and 100.
# - D6. The spirals are not trained by multipliers with two steps a layer: `pc_alm` .2 or more
#   below `bp`.
#
# Pilots, two seeds that no run has: with layers of four units backprop is at .61 to .81 at 30
# layers; with six, backprop .92, .92 and .92 at 10, 30 and 100 layers, `pc_alm` .94 and .90 at 10
# and 30, `rows` .90 and .79, `mu_pc` .80 and .54. On spirals `rows` and `pc_alm` stayed at .54 to
# .61, `pc_alm` with 16 steps for each of three layers reached .81, `mu_pc` .90.
#
# In a first run the best trial of `bp_10`, `bp_last_30`, `bp_last_100`, `pc_alm_10`, `pc_alm_30`,
# `rows_10` and `rows_30` lay at an edge of its grid: these grids were moved, still six trials, and
# trained again. So was `bp_last`, whose seeds had first shared the lower layers of one start.
#
# Cut for time: five seeds of `pc_alm` at 100 layers; inferred targets at no more than 100, since a
# step's work grows with the square of the depth; `inferred` and `mu_pc` at 10 and 30.

# %% tags=["parameters"]
results = "build/scratch/results/e19_bottleneck"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "bp_10", "seed": 0}]  # each may carry settings of its own
settings = {
    "task": "bottleneck",  # bottleneck, spirals
    "turns": 3.0,  # of each spiral
    "train_examples": 1000,
    "held_out_examples": 297,
    "test_examples": 500,
    "method": "bp",  # bp, bp_residual, pc_alm, inferred, rows, mu_pc
    "last": 0,  # how many of the last hidden layers train; 0: all
    "depth": 10,  # hidden layers behind the first, or residual blocks
    "units": 6,
    "gain": 1.05,  # of the plain nets' orthogonal kernels
    "first_scale": 1.5,  # of their first kernel, for inputs of unit size
    "steps": 2000,
    "batch_size": 100,  # 0: full batches
    "learning_rates": [1e-3],  # tried; Adam's for the weights, falling linearly to 2 %
    "hidden_weights": [1.0],  # tried with each of them
    "target_steps": 0,  # steps of the targets before each one of the weights
    "checkpoints": 20,
}

# %%
from experiments.common.tabular_training import save_variants
from experiments.e19_trained_depth.contest import results_of

# %%
save_variants(results, runs, settings, provenance, results_of)
