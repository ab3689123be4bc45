"""What made-up runs of e03 and e13 have of their own."""

from report.studies.e03_gradients.looks import ACTIVATIONS, FITS, STARTS
from report.studies.e13_approximation.looks import TARGETS

PREDICTED = [start for start in STARTS if start not in ("isometric", "biased")]  # by theory


def gradients_part(seed):
    """Two hidden layers whose gradients fall to a tenth a layer; RAI's front comes down."""
    metrics = {"chain_error": 1e-14, "local_error": 1e-7, "steepest": 1e3}
    metrics |= {f"{start}_{kind}rate": -1.0 for start in STARTS for kind in ("", "depth_")}
    metrics |= {
        f"{start}_predicted_rate": -0.9 for start in STARTS if start not in ("isometric", "biased")
    }
    metrics |= {f"{fit}_orders": -1.0 - seed for fit in FITS}
    metrics |= {f"{name}_bp_orders": -3.0 for name in ACTIVATIONS}
    metrics |= {f"{name}_{what}": 0.5 for name in ("plain", "clipped")
                for what in ("final_loss", "jump", "away")}  # fmt: skip
    curves = {f"{start}_norms": [-2.0, -1.0, 0.0] for start in STARTS}
    curves |= {
        f"{start}_predicted": [-1.0, 0.0]
        for start in STARTS
        if start not in ("isometric", "biased")
    }
    curves |= {"depth": [1, 2]} | {f"{start}_first": [-1.0, -2.0] for start in STARTS}
    curves |= {f"{fit}_steps": [0, 1, 2, 4, 12] for fit in FITS}
    front = [[None] * 3, [None, None, -1.0], *[[None, -2.0, -1.0]] * 2, [-2.0, -2.0, -1.0]]
    curves |= {f"{fit}_by_step": front for fit in FITS}
    curves |= {"weight": [5.0, 6.0, 7.0], "loss": [0.4, 0.2, 0.05], "slope": [0.1, 9.0, 0.1]}
    curves |= {f"{name}_weight": [6.5, 6.1, -20.0] for name in ("plain", "clipped")}
    settings = {"units": 8, "large_gain": 16.0, "trained_depth": 2, "iterations": 12}
    settings |= {"depths": [1, 2], "local_depths": [1, 2], "lengths": [1, 50], "cliff_steps": 50}
    return {"settings": settings, "metrics": metrics, "curves": curves, "landscape": None}


def approximation_part(seed):
    """Errors that halve from one width to the next."""
    names = [f"{target}_d{d}_{norm}" for target in TARGETS for d in (1, 2, 4)
             for norm in ("sup", "rms")]  # fmt: skip
    metrics, curves = (
        {"interpolation_share": 0.9},
        {"bound": [0.8, 0.2], "interpolation": [0.7, 0.1]},
    )
    for name in names:
        metrics[f"{name}_orders"] = 0.5
        for fit in ("solved", "trained"):
            metrics |= {f"{fit}_{name}_slope": -1.0, f"{fit}_{name}_error": 0.25}
            curves[f"{fit}_{name}"] = [0.5 + 0.01 * seed, 0.25]
    for target in TARGETS:
        metrics[f"{target}_rms_orders"] = 0.5
        for fit in ("solved", "trained"):
            for norm in ("sup", "rms"):
                metrics |= {f"{fit}_{target}_{norm}_{what}": -1.0 for what in ("slope", "error")}
    settings = {"dimensions": [1, 2, 4], "widths": [2, 4], "trained_widths": [2, 4]}
    settings |= {"train_examples": 9, "steps": 9, "grid_points": 9, "sample_power": 3}
    return {"settings": settings, "metrics": metrics, "curves": curves, "landscape": None}
