"""What a result holds, by the part of e03 that it is."""

from experiments.results.schema import names

ACTIVATIONS = "sigmoid tanh relu arctan elu"
STARTS = "default torch he large"  # those that a theory of wide layers predicts
CLIFF = names("plain clipped", "away final_loss jump")


def metrics(settings):
    parts = {
        "chain": ["chain_error", *names(ACTIVATIONS, ["chain_error"])],
        "net": [
            *names(STARTS, ["rate", "predicted_rate", "depth_rate"]),
            *names("isometric biased", ["rate", "depth_rate"]),
            *names(settings["fits"], "orders"),
        ],
        "local": [
            "local_error",
            *names(settings["local_activations"], ["local_error", "bp_orders"]),
        ],
        "cliff": [*CLIFF, "steepest"],
    }
    return parts[settings["part"]]


def curves(settings):
    parts = {
        "chain": ACTIVATIONS.split(),
        "net": [
            "depth",
            *names(STARTS, "first norms predicted"),
            *names("isometric biased", "first norms"),
            *names(settings["fits"], "steps by_step"),
        ],
        "local": [],
        "cliff": [*names("plain clipped", "weight losses"), "weight", "loss", "slope"],
    }
    return parts[settings["part"]]
