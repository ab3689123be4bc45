"""What a result holds: the autoencoder measured after each epoch."""

from experiments.results.schema import names

SCORES = names("train test", "loss error")


def metrics(settings):
    return [*SCORES, "milliseconds", "seconds", "compile_seconds", "epochs", "iterations"]


def curves(settings):
    return [*SCORES, "epoch", "iteration", "seconds"]
