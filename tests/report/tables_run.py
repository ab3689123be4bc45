"""What made-up runs of e17 have of their own."""

from experiments.e17_tables import schema


def tables_part(seed):
    """Errors of two lengths with two checkpoints and two trials; a little worse on each split."""
    lengths = {"energy": [2, 4], "wine-quality-red": [2, 4], "digits": [2]}
    metrics, curves = {}, {"trials": [{"rate": 0.1}, {"rate": 0.2, "weight": 1.0}]}
    for name, own in lengths.items():
        metrics |= dict.fromkeys((f"{name}_best_trial", *(f"{name}_{k}_trial" for k in own)), 1)
        metrics |= {f"{name}_best_length": 2, f"{name}_best_steps": 2, f"{name}_best_epochs": 2}
        metrics |= {f"{name}_seconds": 0.1, f"{name}_batch": 4}
        metrics |= {f"{name}_fit_rows": 36, f"{name}_test_rows": 4}
        for part in schema.PARTS:
            for score in schema.scores_of(name):
                for label in (*own, "best", "last"):
                    metrics[f"{name}_{label}_{part}_{score}"] = 0.9 + 0.01 * seed
                for k in own:
                    curves[f"{name}_{k}_{part}_{score}"] = [[0.9, 0.8], [0.8, 0.7 + 0.01 * seed]]
        curves |= {f"{name}_{k}_steps": [1, k] for k in own}
    settings = {"sets": lengths, "method": "bp", "hidden_units": [4, 4], "batch_size": 64}
    return {"settings": settings, "metrics": metrics, "curves": curves, "landscape": None}
