"""What a result holds: the region of gains and rates in which nets train."""

from experiments.results.schema import names

DEFAULTS = names("glorot uniform", "accuracy")


def metrics(settings):
    region = "share gain_octaves rate_decades rule_decades chosen_gain chosen_rate"
    return [
        *names(region),
        *("cells_disagreement", "trained_cells", "lost_cells", "test_accuracy", "seconds"),
        *DEFAULTS,
    ]


def curves(settings):
    return ["gains", "rates", "accuracy", "success", *DEFAULTS]
