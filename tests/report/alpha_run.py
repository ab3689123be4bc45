"""What made-up runs of e11 have of their own."""

WEIGHTS = [0.0, 0.02, 0.025, 0.05]


def alpha_part(seed, finals=None):
    """Four nets whose alphas move in two steps from their starts to `finals`."""
    finals = finals or [[0.97, 0.4, 0.2], [0.03, 0.0, 0.3 + seed / 10], [0.0, 0.5, 0.0], [0, 0, 0]]
    starts = [[0.5, 0.2, 0.9]] * len(finals)
    accuracy = [0.7, 0.71, 0.72, 0.6 + seed / 100]
    middle = [
        [(a + b) / 2 for a, b in zip(*pair, strict=True)]
        for pair in zip(starts, finals, strict=True)
    ]
    numbers = {"zero_share": 0.6, "between_share": 0.3, "third_at_one": 0.0, "zero_step": -0.3}
    numbers |= {"zero_rank_correlation": 0.8, "start_rank_correlation": 0.1, "between_drop": 0.2}
    return {
        "settings": {"dataset": "digits", "penalty": "l1", "weights": WEIGHTS},
        "metrics": numbers | {"test_accuracy": 0.7, "seconds": 2.0, "epochs": 2, "iterations": 4},
        "curves": {
            "weight": WEIGHTS,
            "start": starts,
            "final": finals,
            "test_accuracy": accuracy,
            "step": [0, 2, 4],
            "alpha": [list(three) for three in zip(starts, middle, finals, strict=True)],
        },
        "landscape": None,
    }
