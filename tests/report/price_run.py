"""What made-up runs of e20 have of their own."""


def price_part(seed):
    """Looked at twice; residuals and factors of three layers."""
    losses = {
        f"{name}_loss": [0.7, 0.1 + 0.01 * seed] for name in ("task", "deployed", "predicted")
    }
    orders = {f"{name}_orders": [1.0, 0.2] for name in ("bound", "price", "discount")}
    layers = {f"{name}_orders": [-1.0, -2.0, -1.5] for name in ("residual", "secant")}
    curves = {"iteration": [1, 10]} | losses | orders | layers
    return {"settings": {"units": 8}, "curves": curves, "landscape": None}
