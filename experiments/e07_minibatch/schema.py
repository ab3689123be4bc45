"""What a result holds: the network measured after each epoch."""

from experiments.common.schemas import LOSSES
from experiments.results.schema import names


def metrics(settings):
    costs = ("store_bytes", "seconds", "compile_seconds", "epochs", "iterations")
    return [*names("train test", "accuracy loss"), *LOSSES, "deployment_gap", *costs]


def curves(settings):
    when = ("iteration", "epoch", "seconds")
    return [
        *when,
        *names("train test", "accuracy"),
        *names("deployed test during", "loss"),
        *LOSSES,
    ]
