"""What made-up runs of e18 have of their own."""


def multipliers_part(seed):
    """Three hidden layers, looked at twice."""
    cosine = [[1.0, 0.9, 0.8, 1.0, 0.9], [0.5 + 0.1 * seed, 0.6, 0.7, 1.0, 0.8]]
    curves = {"aligned_epoch": [0, 1], "cosine": cosine, "ratio": cosine}
    curves |= {"trials": [[1e-3, 10.0, 0.5, 1.2]], "epoch": [0, 1], "seconds": [0.0, 1.0]}
    return {"settings": {"units": 8}, "curves": curves, "landscape": None}
