"""What made-up runs of e19 have of their own."""


def trained_depth_part(seed):
    """Looked at twice; accuracies that differ by seed."""
    accuracy = [0.5, 0.9 + 0.01 * seed]
    curves = {"steps": [1000, 2000], "train_accuracy": accuracy, "test_accuracy": accuracy}
    curves |= {"trials": [[1e-3, 1.0, 0.5], [3e-3, 1.0, 0.8]]}
    return {"settings": {"units": 6}, "curves": curves, "landscape": None}
