"""What a result holds: nats per image above the floor, while training and after it, and costs."""

from experiments.results.schema import names


def metrics(settings):
    return [
        *names("train test", "excess floor"),
        *("milliseconds", "seconds", "step_evaluations", "gradient_evaluations", "trial"),
    ]


def curves(settings):
    return [
        *("epoch", "gradient_evaluations", "seconds"),
        *names("train test", "excess"),
        *names("trial", "values excess"),
    ]
