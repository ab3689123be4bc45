"""What a result holds: the slopes that nets end with, one net a penalty weight."""


def metrics(settings):
    shares = ("zero_share", "zero_step", "third_at_one", "between_share", "between_drop")
    ranks = ("start_rank_correlation", "zero_rank_correlation")
    return [*shares, *ranks, "test_accuracy", "test_loss", "epochs", "iterations", "seconds"]


def curves(settings):
    return ["weight", "start", "final", "test_accuracy", "test_loss", "step", "alpha"]
