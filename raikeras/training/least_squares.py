"""Local problems that are least squares: LocoProp-S by the Gram matrices of a batch.

With a squared error at the pre-activation a relaxed Dense or Conv2D layer minimises
`sum_n c_n / 2 ||x_n W + b - a_n||^2`. Its gradient is affine in the weights: that at the start plus
the Gram matrix of the inputs times what the weights have moved. So the batch is looked at once,
however many steps follow, and the minimum is one Cholesky solve away (Amid et al., LocoProp, 2022,
arXiv 2106.06199).
"""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from raikeras.backend import load_backend
from raikeras.network.hidden_loss import HiddenLoss
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.training.step import Step
from raikeras.typing import Tensor

# On a processor JAX hands larger ones to a LAPACK whose threads get in the way of its own: a matrix
# of 1000 was seen to take seconds instead of milliseconds.
_BLOCK = 256
_EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


class Problem(NamedTuple):
    """One layer's least squares; of an attached chain all tensors have a leading axis of layers.

    Attributes:
        kernel, bias: The variables; `bias` may be `None`.
        by_kernel, by_bias: The gradient at the start, `(inputs, units)` and `(units,)`.
        gram: `sum_n c_n x_n x_n'`, of shape `(inputs, inputs)`.
        sums: `sum_n c_n x_n`, of shape `(inputs,)`.
        total: `sum_n c_n`, a scalar.
    """

    kernel: keras.Variable
    bias: keras.Variable | None
    by_kernel: Any
    by_bias: Any
    gram: Any
    sums: Any
    total: Any

    def gradients(self, start: list[Tensor]) -> list[Tensor]:
        """The gradients by kernel and bias at the present weights.

        Args:
            start: The values of kernel and bias for which the problem was made.
        """
        moved = _matrix(ops.convert_to_tensor(self.kernel.value) - start[0])
        by_kernel = self.by_kernel + ops.matmul(self.gram, moved)
        if self.bias is None:
            return [ops.reshape(by_kernel, self.kernel.shape)]
        shift = ops.convert_to_tensor(self.bias.value) - start[1]
        by_kernel = by_kernel + self.sums[..., :, None] * shift[..., None, :]
        by_bias = self.by_bias + ops.squeeze(ops.matmul(self.sums[..., None, :], moved), -2)
        by_bias = by_bias + self.total[..., None] * shift
        return [ops.reshape(by_kernel, self.kernel.shape), by_bias]

    def minimum(self, eta: Tensor) -> list[Tensor]:
        """Where the problem plus `1 / (2 eta) ||weights - start||^2` is least, from the start.

        Solves `(I + eta G) move = -eta gradient` by Cholesky factors; no inverse is formed. Where
        rounding would lose the identity beside `eta G` and leave the system singular, the
        identity counts the dtype's epsilon times the trace of `eta G` instead.

        Returns:
            The moves of kernel and bias.
        """
        matrix, right = self.gram, self.by_kernel
        if self.bias is not None:
            column = self.sums[..., :, None]
            row = ops.concatenate([self.sums, self.total[..., None]], axis=-1)[..., None, :]
            matrix = ops.concatenate([ops.concatenate([matrix, column], axis=-1), row], axis=-2)
            right = ops.concatenate([right, self.by_bias[..., None, :]], axis=-2)
        size, dtype = matrix.shape[-1], matrix.dtype
        eta = ops.cast(eta, dtype)
        matrix, right = eta * matrix, -eta * right
        rounding = _EPSILON[keras.backend.standardize_dtype(dtype)] * ops.trace(
            matrix, axis1=-2, axis2=-1
        )
        held = ops.maximum(ops.ones_like(rounding), rounding)[..., None, None]
        factor = _cholesky(matrix + held * ops.eye(size, dtype=dtype))
        half = ops.solve_triangular(factor, right, lower=True)
        move = ops.solve_triangular(ops.swapaxes(factor, -1, -2), half, lower=False)
        if self.bias is None:
            return [ops.reshape(move, self.kernel.shape)]
        move, shift = ops.split(move, [size - 1], axis=-2)
        return [ops.reshape(move, self.kernel.shape), ops.squeeze(shift, -2)]


def problems(step: Step, gradients: list[Tensor]) -> list[Problem]:
    """The least squares of all trainable relaxed layers of a batch, inputs and targets fixed.

    Args:
        step: The `Step` in progress, which has taken the objective's gradient.
        gradients: That gradient, one per trainable weight.
    """
    by_weight = {id(w): g for w, g in zip(step.weights, gradients, strict=True)}
    found: dict[int, Problem] = {}
    for block, inputs in zip(step.network.blocks(), step.inputs, strict=True):
        cut, layer = block.cut, block.chain or block.cut.layer
        if id(layer.kernel) not in by_weight:
            continue
        dtype = layer.kernel.dtype
        shape = (step.batch_size, *cut.shape)
        weight, each = step.hidden_loss.row_weights(
            block.places, shape, step.hidden_sample_weight, step.count, dtype
        )
        if block.chain:
            weight = ops.broadcast_to(weight, (len(block.chain),))[:, None]
        rows = ops.cast(inputs if block.chain else _rows(layer, inputs), dtype)
        moments = _moments(rows, weight, each)
        same = found.get(id(layer))
        if same is None:
            by_kernel = _matrix(ops.convert_to_tensor(by_weight[id(layer.kernel)]))
            bias = layer.bias if id(layer.bias) in by_weight else None  # a frozen one stays
            by_bias = None if bias is None else by_weight[id(bias)]
            found[id(layer)] = Problem(layer.kernel, bias, by_kernel, by_bias, *moments)
        else:  # a shared layer: its calls are one problem, their gradients summed already
            summed = [a + b for a, b in zip(same[-3:], moments, strict=True)]
            found[id(layer)] = Problem(*same[:-3], *summed)
    return list(found.values())


def gradients(
    layers: list[Problem], weights: list[keras.Variable], start: list[Tensor]
) -> list[Tensor]:
    """The gradients of all problems at the present weights, in the order of `weights`."""
    first = {id(weight): value for weight, value in zip(weights, start, strict=True)}
    found: dict[int, Any] = {}
    for layer in layers:
        own = [weight for weight in (layer.kernel, layer.bias) if weight is not None]
        values = layer.gradients([first[id(weight)] for weight in own])
        found |= {id(weight): value for weight, value in zip(own, values, strict=True)}
    return load_backend().control_barrier([found[id(weight)] for weight in weights])


def reason_not_least_squares(
    network: RelaxedNetwork, hidden_loss: HiddenLoss, at: str
) -> str | None:
    """Why the local problems are not all least squares; `None` if they are."""
    if at != "pre_activation":
        return f"targets stand at {at!r}, not before the activation"
    if not hidden_loss.is_squared:
        return "the hidden loss is no squared error"
    for cut in network.cuts:
        reason = _why_not_layer(cut.layer)
        if reason:
            return f"layer `{cut.layer.name}` {reason}"
    return None


def pays(step: Step, steps: int) -> bool:
    """Whether Gram matrices take fewer operations than `steps` looks at the batch."""
    saved = 0
    for block, inputs in zip(step.network.blocks(), step.inputs, strict=True):
        layer = block.chain or block.cut.layer
        width, units = _matrix_shape(layer.kernel.shape)[-2:]
        examples = inputs.shape[1 if block.chain else 0]
        if examples is None:
            return True  # the backend does not say; batches are mostly larger than half a width
        rows = examples * math.prod(block.cut.shape[:-1])
        saved += 4 * steps * rows * width * units
        saved -= 2 * width**2 * (rows + steps * units)
    return saved > 0


def _matrix(kernel: Tensor) -> Tensor:
    """A kernel or its gradient as `(inputs, units)`, a chain's with its leading axis."""
    return ops.reshape(kernel, _matrix_shape(kernel.shape))


def _matrix_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(shape) if len(shape) < 4 else (math.prod(shape[:-1]), shape[-1])


def _rows(layer: keras.Layer, inputs: Tensor) -> Tensor:
    """What a layer's kernel, as a matrix, is multiplied with: `(..., inputs)`."""
    if isinstance(layer, keras.layers.Conv2D):
        inputs = ops.image.extract_patches(
            inputs,
            layer.kernel_size,
            strides=layer.strides,
            dilation_rate=layer.dilation_rate,
            padding=layer.padding,
        )
    return ops.convert_to_tensor(inputs, sparse=False)


def _cholesky(matrix: Tensor) -> Tensor:
    """The lower Cholesky factor, by blocks of columns."""
    size = matrix.shape[-1]
    columns: list[Any] = []
    for start in range(0, size, _BLOCK):
        block = matrix[..., start:, start : start + _BLOCK]
        width = block.shape[-1]
        if columns:
            left = ops.concatenate(
                [column[..., start - k * _BLOCK :, :] for k, column in enumerate(columns)], axis=-1
            )
            block = block - ops.matmul(left, ops.swapaxes(left[..., :width, :], -1, -2))
        diagonal = ops.cholesky(block[..., :width, :])
        if start + width < size:
            below = ops.swapaxes(block[..., width:, :], -1, -2)
            below = ops.solve_triangular(diagonal, below, lower=True)
            diagonal = ops.concatenate([diagonal, ops.swapaxes(below, -1, -2)], axis=-2)
        columns.append(diagonal)
    free = [(0, 0)] * (len(matrix.shape) - 2)
    padded = [ops.pad(column, [*free, (size - column.shape[-2], 0), (0, 0)]) for column in columns]
    return ops.concatenate(padded, axis=-1)


def _moments(rows: Tensor, weight: Tensor, each: Tensor | None) -> tuple[Any, ...]:
    """Gram matrix, sums and total weight of the rows of an example each, or of several."""
    if len(rows.shape) > 3 or (len(rows.shape) == 3 and len(ops.shape(weight)) == 0):
        places = math.prod(rows.shape[1:-1])
        each = None if each is None else ops.repeat(each, places)
        rows = ops.reshape(rows, (-1, rows.shape[-1]))
    weighted = rows if each is None else rows * each[:, None]
    count = ops.cast(ops.shape(rows)[-2], rows.dtype) if each is None else ops.sum(each)
    scale = weight[..., None] if len(ops.shape(weight)) else weight
    gram = scale * ops.matmul(ops.swapaxes(rows, -1, -2), weighted)
    sums = weight * ops.sum(weighted, axis=-2)
    total = (ops.squeeze(weight, -1) if len(ops.shape(weight)) else weight) * count
    return gram, sums, total


def _why_not_layer(layer: keras.Layer) -> str | None:
    if type(layer) not in (keras.layers.Dense, keras.layers.Conv2D):
        return f"is a {type(layer).__name__}, neither Dense nor Conv2D"
    regularizers = (layer.kernel_regularizer, layer.bias_regularizer, layer.activity_regularizer)
    if any(one is not None for one in regularizers):
        return "has a regularizer"
    if layer.variable_dtype not in _EPSILON:
        return f"has variables of dtype {layer.variable_dtype}"
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        return "is quantized or has LoRA weights"
    if isinstance(layer, keras.layers.Conv2D) and (
        layer.groups != 1 or layer.data_format != "channels_last"
    ):
        return "has groups, or its channels are not last"
    return None
