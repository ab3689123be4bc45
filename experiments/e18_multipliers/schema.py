"""What a result holds: the deployed network, its gap, and gradients held against backprop's."""

from experiments.results.schema import names


def metrics(settings):
    return [
        *names("train test", "accuracy loss"),
        *("task_loss", "deployment_gap", "held_out_accuracy", "learning_rate", "hidden_weight"),
        *names("cosine ratio", "first middle last"),
        *("cosine_all", "step_milliseconds", "seconds"),
        *("weight_steps", "target_steps", "critical_path"),
    ]


def curves(settings):
    return [
        *("epoch", "seconds"),
        *names("train test", "accuracy loss"),
        *("loss", "task_loss", "deployed_loss"),
        *("aligned_epoch", "cosine", "ratio", "trials"),
    ]
