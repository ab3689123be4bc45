# %% [markdown]
# # e12: perceptron, MLP and backpropagation
# The lectures' claims on small nets, one topic a variant: what one perceptron cannot decide (C15),
# starts that keep hidden units equal (C16), update rules (C17), damped Newton (C18), pruning (C19),
# and beside them batches, losses, penalties, linear nets and RAI on the same tasks.

# %% tags=["parameters"]
results = "build/scratch/results/e12_mlp"  # folder of this experiment's JSON files
provenance = {}  # filled in by run.py
runs = [{"variant": "gates", "seed": 0}]  # each may carry settings of its own
settings = {
    "topic": "gates",  # see topics.py; a topic reads only what it needs of what follows
    "hidden_units": [32],
    "activation": "tanh",
    "train_examples": 1000,  # of the digits
    "valid_examples": 397,
    "batch_size": 50,  # 0: all examples
    "steps": 1000,
    "every": 10,  # steps from one measurement to the next
    "epochs": 20,
    "learning_rate": 0.1,  # where none is chosen
    "learning_rates": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],  # of which validation chooses
    "starts": 3,  # the last is judged, the others choose the rate
    "wanted_loss": 0.1,  # nats; training loss that the rules have to reach
    "largest": 3,  # integer weights of the gates from minus this to this
    "draws": 300,  # batches of each size
    "coefficients": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1],  # of the penalties
    "tiny": 1e-3,  # weights below this count as zero
    "shares": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95],  # pruned
    "mild": 0.3,  # the share that should change little
    "hard": 0.8,  # the share that has to be repaired
    "repairs": 2,  # iterations: passes through the training examples
    "examples": 200,  # moons
    "noise": 0.2,
    "penalty": 1e-3,  # of the squared weights on the moons
    "iterations": 100,  # of the second-order methods; the first-order ones take `steps`
    "damping": 1.0,  # at the start
    "wanted_length": 1e-5,  # of the gradient on the moons
    "points": 60,  # dampings
    "wide": 1e6,  # from the smallest eigenvalue over this to the largest times this
}

# %%
from experiments.e12_mlp.topics import TOPICS
from experiments.results import each, save

# %%
for run in each(runs, settings):
    run["provenance"] = provenance | run.get("provenance", {})
    metrics, curves, status = TOPICS[run["settings"]["topic"]](run)
    save(results, run, metrics=metrics, curves=curves, status=status)
