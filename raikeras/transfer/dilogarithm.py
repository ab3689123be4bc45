"""Spence's dilogarithm where the integral of softplus needs it."""

from keras import ops

from raikeras.typing import Tensor

# B_2k / (2k + 1)! for k = 1 to 7, with the Bernoulli numbers B_2k.
_COEFFICIENTS = (
    1 / 36,
    -1 / 3600,
    1 / 211680,
    -1 / 10886400,
    1 / 526901760,
    -691 / 16999766784000,
    1 / 1120863744000,
)


def decaying_dilogarithm(x: Tensor) -> Tensor:
    """`-Li2(-exp(-x))` of `x >= 0`: falls from pi^2/12 to 0, with slope `-log(1 + exp(-x))`.

    Debye's series in `w = log(1 + exp(-x))`, between 0 and log 2:
    `w + w^2/4 + sum_k B_2k w^(2k+1) / (2k+1)!`. Its terms shrink like `(w / 2 pi)^(2k)`; what is
    left out is below 1e-16 of the value. One series serves every backend: TensorFlow's own Spence
    function does not compile under XLA (seen with 2.21).
    """
    w = ops.log1p(ops.exp(-x))
    square = w * w
    tail = 0.0
    for coefficient in reversed(_COEFFICIENTS):
        tail = (tail + coefficient) * square
    return w * (1 + w / 4 + tail)
