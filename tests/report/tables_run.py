"""What made-up runs of e17 have of their own."""

from experiments.e17_tables import schema


def tables_part(seed, dataset="energy"):
    """Errors of two lengths with two checkpoints and two trials; a little worse on each split."""
    lengths = [2, 4]
    metrics = dict.fromkeys(("best_trial", "2_trial", "4_trial"), 1)
    metrics |= {"best_length": 2, "best_steps": 2, "best_epochs": 2, "seconds": 0.1, "batch": 4}
    metrics |= {"fit_rows": 36, "test_rows": 4}
    curves = {"trials": [{"rate": 0.1}, {"rate": 0.2, "weight": 1.0}]}
    for part in schema.PARTS:
        for score in schema.scores_of(dataset):
            for label in (*lengths, "best", "last"):
                metrics[f"{label}_{part}_{score}"] = 0.9 + 0.01 * seed
            for length in lengths:
                curves[f"{length}_{part}_{score}"] = [[0.9, 0.8], [0.8, 0.7 + 0.01 * seed]]
    curves |= {f"{length}_steps": [1, length] for length in lengths}
    settings = {"dataset": dataset, "lengths": lengths, "hidden_units": [4, 4], "batch_size": 64}
    return {"settings": settings, "metrics": metrics, "curves": curves, "landscape": None}


def digits_part(seed):
    return tables_part(seed, "digits")
