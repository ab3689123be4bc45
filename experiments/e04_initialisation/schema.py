"""What a result holds: the region of gains and rates, or of both rates, in which nets train."""

from experiments.results.schema import names

DEFAULTS = names("glorot uniform", "accuracy")


def first_axis(settings) -> str:
    """What is scanned beside the weights' rate."""
    return "target_rate" if settings.get("target_rate_count") else "gain"


def metrics(settings):
    of_axis = {
        "gain": ["gain_octaves", "rule_decades"],
        "target_rate": ["target_rate_decades", "narrower_decades"],
    }
    axis = first_axis(settings)
    return [
        *("share", "rate_decades", *of_axis[axis], f"chosen_{axis}", "chosen_rate"),
        *("cells_disagreement", "trained_cells", "lost_cells", "test_accuracy", "seconds"),
        *DEFAULTS,
    ]


def curves(settings):
    return [f"{first_axis(settings)}s", "rates", "accuracy", "success", *DEFAULTS]
