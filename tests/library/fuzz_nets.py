"""Descriptions of random small nets and of how they are trained, as hypothesis strategies.

A case is plain data. `inputs` and the entries of `body` are the values of the net, numbered from 0
in this order; `of` names the values that an entry takes. The first output is a head on everything
that nothing else uses, so that no layer is without effect. Few sizes occur, so that a backend
meets the same shapes again and compiles them once.
"""

import functools
import json
import random

from hypothesis import strategies as st

from tests.library.fuzz_layers import make_layer

WIDTH = 4
SMOOTH = ("linear", "tanh", "sigmoid", "softmax", "softplus", "gelu", "silu", "elu", "selu")
ACTIVATIONS = (*SMOOTH, "relu", "leaky_relu", "softsign", "hard_sigmoid", "relu6", "mish")
KERNEL = ("Dense", "EinsumDense", "Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D")
VECTOR = (
    *("chain", "Dense", "chain", "Nested", "Dense", "BatchNormalization", "LayerNormalization"),
    *("Dropout", "GaussianNoise", "ActivityRegularization", "Activation", "ReLUAlpha", "PReLU"),
    *("TrainScale", "merge", "merge", "again", "again", "Masking", "to_sequence", "TwoDense"),
    *("TripleDense", "Twice", "GaussianDropout", "AlphaDropout", "UnitNormalization"),
)
SEQUENCE = (
    *("Dense", "Conv1D", "LSTM", "GRU", "Masking", "pool", "EinsumDense", "TimeDistributed"),
    *("SeparableConv1D", "DepthwiseConv1D", "Conv1DTranspose", "BatchNormalization", "Dropout"),
    *("LayerNormalization", "SpatialDropout1D", "SimpleRNN", "Bidirectional", "Flatten", "merge"),
    *("again", "Activation", "MultiHeadAttention", "TrainScale", "chain", "Nested"),
)
IMAGE = (
    *("Conv2D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "pool", "pool"),
    *("BatchNormalization", "Dropout", "Flatten", "Dense", "merge", "again", "ReLUAlpha"),
    *("Activation", "LayerNormalization", "GroupNormalization"),
)
INNER = ("Dense", "Dense", "BatchNormalization", "Dropout", "LayerNormalization")
MERGES = ("Add", "Multiply", "Average", "Subtract", "Maximum", "Concatenate")


def settings_of_weights(draw, kind: str, bias: bool = True) -> dict:
    """Regularizers, constraints, a missing bias and such: mostly none."""
    drawn = {}
    if bias and draw(st.integers(0, 5)) == 5:
        drawn["use_bias"] = False
    which = draw(st.integers(0, 11))
    prefix = {
        "DepthwiseConv1D": "depthwise",
        "DepthwiseConv2D": "depthwise",
        "SeparableConv1D": "pointwise",
        "SeparableConv2D": "pointwise",
    }.get(kind, "kernel")
    if which == 11:
        drawn[f"{prefix}_regularizer"] = draw(st.sampled_from(("l2", "l1", "l1_l2")))
    elif which == 10:
        drawn[f"{prefix}_constraint"] = draw(st.sampled_from(("non_neg", "max_norm", "unit_norm")))
    elif which == 9:
        drawn["activity_regularizer"] = draw(st.sampled_from(("l2", "l1")))
    elif which == 8:
        drawn["bias_regularizer"] = "l2"
    elif which == 7 and kind == "Dense":
        drawn["kernel_regularizer"] = "orthogonal"
    elif which == 6:
        drawn["frozen"] = True
    elif which == 5 and kind in KERNEL:
        drawn["marked"] = True
    return drawn


def _plain(draw, kind: str, shape: tuple) -> dict:
    """Settings of a layer that takes one value of this shape (without the batch)."""
    pick = lambda *choices: draw(st.sampled_from(choices))  # noqa: E731
    activation = st.sampled_from(ACTIVATIONS)
    if kind == "Dense":
        return {
            "units": pick(WIDTH, 3),
            "activation": draw(activation),
            **settings_of_weights(draw, kind),
        }
    if kind in ("TimeDistributed", "TripleDense"):
        return {"units": pick(WIDTH, 3), "activation": draw(activation)}
    if kind in ("Twice", "TwoDense"):
        return {"units": WIDTH}
    if kind == "EinsumDense":
        equation = "abc,cd->abd" if len(shape) == 2 else "ab,bd->ad"
        return {
            "equation": equation,
            "output_shape": [shape[0], WIDTH] if len(shape) == 2 else [WIDTH],
            "bias_axes": pick("d", None),
            "activation": draw(activation),
            **settings_of_weights(draw, kind, bias=False),
        }
    if kind in ("Conv1D", "Conv2D"):
        strides = pick(1, 1, 2)
        groups = pick(1, 1, 2) if shape[-1] % 2 == 0 else 1
        return {
            "filters": WIDTH,
            "kernel_size": 2,
            "strides": strides,
            "padding": pick("same", "valid") if shape[0] > 2 else "same",
            # TensorFlow has no gradient of a grouped convolution with dilation on the processor.
            "dilation_rate": pick(1, 2) if strides == 1 and groups == 1 and shape[0] > 3 else 1,
            "groups": groups,
            "activation": draw(activation),
            **settings_of_weights(draw, kind),
        }
    if kind in ("DepthwiseConv1D", "DepthwiseConv2D"):
        extra = {"depth_multiplier": pick(1, 2)}
    elif kind in ("SeparableConv1D", "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose"):
        extra = {"filters": WIDTH}
    else:
        extra = None
    if extra is not None:
        extra |= {"kernel_size": 2, "padding": "same", "activation": draw(activation)}
        return {**extra, **settings_of_weights(draw, kind)}
    if kind in ("LSTM", "GRU", "SimpleRNN"):
        return {
            "units": WIDTH,
            "return_sequences": draw(st.booleans()),
            **pick({}, {"unroll": True}),
        }
    simple = {
        "BatchNormalization": {"momentum": 0.8},
        "GroupNormalization": {"groups": -1},
        "Dropout": {"rate": 0.4},
        "AlphaDropout": {"rate": 0.3},
        "GaussianDropout": {"rate": 0.3},
        "SpatialDropout1D": {"rate": 0.4},
        "GaussianNoise": {"stddev": 0.3},
        "ActivityRegularization": {"l2": 0.03},
        "Bidirectional": {"units": 2},
        "MultiHeadAttention": {"num_heads": 2, "key_dim": 2},
    }
    if kind == "Activation":
        return {"activation": draw(activation)}
    if kind in ("BatchNormalization", "LayerNormalization"):
        return {**simple.get(kind, {}), **pick({}, {}, {"scale": False}, {"frozen": True})}
    return simple.get(kind, {})


def _nested(draw, shape: tuple) -> dict:
    """A nested model of layers that take and give what `shape` says, but for the last axis."""
    body, width = [], shape[-1]
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(
                ("Dense", "Dense", "BatchNormalization", "Dropout", "LayerNormalization")
            )
        )
        one = {"kind": kind, **_plain(draw, kind, (*shape[:-1], width))}
        body.append(one)
        width = one.get("units", width)
    return {
        "shape": list(shape),
        "body": body,
        "sequential": draw(st.booleans()),
        "residual": draw(st.booleans()),
        **draw(st.sampled_from(({}, {}, {}, {"frozen": True}))),
    }


def _output_shape(one: dict, given: list[tuple]) -> tuple:
    """The shape of an entry's value, without the batch."""
    described = {key: value for key, value in one.items() if key != "of"}
    return _shape_once(json.dumps(described), json.dumps(given))


@functools.cache
def _shape_once(described: str, shapes: str) -> tuple:
    one, given = json.loads(described), [tuple(shape) for shape in json.loads(shapes)]
    # Keras draws default seeds from `random`, whose state must not depend on a drawn example.
    before = random.getstate()
    try:
        return make_layer(one, "drawn").compute_output_shape(given if given[1:] else given[0])[1:]
    finally:
        random.setstate(before)


class _Body:
    """A net in the making: its values' shapes and the entries so far."""

    def __init__(self, draw, inputs):
        self.draw, self.inputs, self.body = draw, inputs, []
        self.shapes = [tuple(one["shape"]) for one in inputs]
        self.tokens = {n for n, one in enumerate(inputs) if "tokens" in one}

    def add(self, kind: str, of: list[int], **settings) -> int:
        one = {"kind": kind, "of": of, **settings}
        if kind == "Again":
            shape = self.shapes[len(self.inputs) + one["layer"]]
        elif kind == "MultiHeadAttention":
            shape = self.shapes[of[0]]
        else:
            shape = _output_shape(one, [(None, *self.shapes[value]) for value in of])
        self.body.append(one)
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def grow(self) -> None:
        """Adds a layer, or a chain of equal ones, on a value that there is."""
        draw = self.draw
        free = [n for n in range(len(self.shapes)) if n not in self.tokens]
        of = free[-1 - draw(st.sampled_from((0, 0, 0, 0, 0, 1, 2, 3))) % len(free)]
        shape = self.shapes[of]
        kind = draw(st.sampled_from({1: VECTOR, 2: SEQUENCE, 3: IMAGE}[len(shape)]))
        if kind == "chain":
            self.chain(of)
        elif kind == "merge":
            self.merge(of)
        elif kind == "again":
            self.again()
        elif kind == "pool":
            names = ("GlobalAveragePooling", "GlobalMaxPooling", "AveragePooling", "MaxPooling")
            name = draw(st.sampled_from(names if min(shape[:-1]) > 1 else names[:2]))
            size = {} if name.startswith("Global") else {"pool_size": 2}
            self.add(f"{name}{len(shape) - 1}D", [of], **size)
        elif kind == "to_sequence":
            if shape[-1] % 2 == 0:
                self.add("Reshape", [of], target_shape=[shape[-1] // 2, 2])
            else:
                self.add("RepeatVector", [of], n=2)
        elif kind == "Nested":
            self.add(kind, [of], **_nested(draw, shape))
        elif kind == "MultiHeadAttention":
            self.add(kind, [of, of], **_plain(draw, kind, shape))
        else:
            self.add(kind, [of], **_plain(draw, kind, shape))

    def chain(self, of: int) -> None:
        draw = self.draw
        if len(self.shapes[of]) == 1 and not draw(st.integers(0, 2)):
            self.blocks(of)
            return
        settings = {"activation": draw(st.sampled_from(ACTIVATIONS)), "units": self.shapes[of][-1]}
        settings |= settings_of_weights(draw, "Dense")
        for _ in range(draw(st.integers(2, 5))):
            of = self.add("Dense", [of], **settings)

    def blocks(self, of: int) -> None:
        """Equal residual blocks, mostly."""
        draw = self.draw
        settings = {"units": self.shapes[of][-1], "activation": draw(st.sampled_from(ACTIVATIONS))}
        settings |= settings_of_weights(draw, "Dense")
        before = draw(st.sampled_from((None, *ACTIVATIONS)))
        scale, turned = draw(st.sampled_from((None, 0.5))), draw(st.booleans())
        for _ in range(draw(st.integers(2, 4))):
            start = of
            of = of if before is None else self.add("Activation", [of], activation=before)
            of = self.add("Dense", [of], **settings)
            of = of if scale is None else self.add("Rescaling", [of], scale=scale)
            of = self.add("Add", [of, start] if turned else [start, of])

    def merge(self, of: int) -> None:
        equal = [n for n, shape in enumerate(self.shapes) if shape == self.shapes[of]]
        equal = [n for n in equal if n not in self.tokens]
        other = self.draw(st.sampled_from(equal))
        self.add(self.draw(st.sampled_from(MERGES)), [other, of])

    def again(self) -> None:
        """Calls a layer that there is a second or third time."""
        fits = []
        for number, one in enumerate(self.body):
            if len(one["of"]) != 1 or one["kind"] in ("Again", "Embedding", "Reshape"):
                continue
            shape = self.shapes[one["of"][0]]
            fits += [
                (number, value)
                for value, other in enumerate(self.shapes)
                if other == shape and value not in self.tokens and value != one["of"][0]
            ]
        if fits:
            number, value = self.draw(st.sampled_from(fits))
            self.add("Again", [value], layer=number)


INPUTS = (
    {"shape": [WIDTH]},
    {"shape": [WIDTH]},
    {"shape": [3]},
    {"shape": [5, WIDTH]},
    {"shape": [5], "tokens": 6},
    {"shape": [4, 4, 2]},
)
HEADS = (
    {"activation": "linear", "loss": "mean_squared_error"},
    {"activation": "linear", "loss": "huber"},
    {"activation": "tanh", "loss": "mean_squared_error"},
    {"activation": "sigmoid", "loss": "binary_crossentropy"},
    {"activation": "softmax", "loss": "categorical_crossentropy"},
    {"activation": "softmax", "loss": "sparse_categorical_crossentropy"},
    {"activation": "linear", "loss": "from_logits"},
    {"activation": "linear", "loss": "summed"},
)
RELAX = ("Dense", "Dense", "Dense", "kernels", "names", "all", "Relaxed")


@st.composite
def nets(draw, chained: bool = False) -> dict:
    """The inputs, the body and the outputs of a net; `chained`: with a chain in any case."""
    many = draw(st.sampled_from((1, 1, 1, 2)))
    inputs = [dict(draw(st.sampled_from(INPUTS))) for _ in range(many)]
    if chained:
        inputs[0] = {"shape": [WIDTH]}
    growing = _Body(draw, inputs)
    for number in sorted(growing.tokens):
        growing.add(
            "Embedding", [number], input_dim=6, output_dim=WIDTH, mask_zero=draw(st.booleans())
        )
    before = draw(st.integers(0, 3)) if chained else 0
    for number in range(draw(st.integers(1, 7))):
        growing.grow()
        if number == before and chained:
            vectors = [n for n, shape in enumerate(growing.shapes) if len(shape) == 1]
            growing.chain([n for n in vectors if n not in growing.tokens][-1])
    outputs = [{"of": "rest", "units": 2, **draw(st.sampled_from(HEADS))}]
    per_step = False
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        first = len(inputs)
        values = [n for n in range(first, len(growing.shapes)) if len(growing.shapes[n]) < 3]
        of = draw(st.sampled_from(values or [len(growing.shapes) - 1]))
        raw = {"of": of, "loss": "mean_squared_error"}
        head = {"of": of, "units": 2, **draw(st.sampled_from(HEADS))}
        outputs.append(draw(st.sampled_from((raw, head))))
        per_step = per_step or len(growing.shapes[of]) > 1
    return {
        "inputs": inputs,
        "body": growing.body,
        "outputs": outputs,
        "per_step": per_step,
        "structure": draw(st.sampled_from(("list", "dict"))),
        "seed": draw(st.integers(0, 9)),
    }


@st.composite
def cases(
    draw, optimizers=("sgd",), rules=("gradient",), weight_steps=("joint",), chained=False
) -> dict:
    """A net and how it is trained."""
    net = draw(nets(chained))
    heads = len(net["outputs"])
    # Keras has no weights of examples for outputs at each time step, nor of classes for several.
    weights = draw(st.sampled_from(("none", *(() if net["per_step"] else ("examples", "zeros")))))
    if heads > 1 and not net["per_step"]:
        weights = draw(st.sampled_from((weights, "outputs")))
    elif heads == 1 and net["outputs"][0]["loss"].endswith("crossentropy"):
        weights = draw(st.sampled_from((weights, "class")))
    case = {
        **net,
        "relax": draw(st.sampled_from(RELAX)),
        "at": draw(st.sampled_from(("pre_activation", "pre_activation", "post_activation"))),
        "fuse": draw(st.booleans()),
        "rule": draw(st.sampled_from(rules)),
        "weight_step": draw(st.sampled_from(weight_steps)),
        "optimizer": draw(st.sampled_from(optimizers)),
        "sample_weight": weights,
        "loss_weights": draw(st.booleans()) if heads > 1 else False,
        "losses_as": draw(st.sampled_from(("list", "dict"))) if heads > 1 else "one",
        "batch_size": draw(st.sampled_from((4, 7, 3))),
        "epochs": draw(st.sampled_from((1, 2))),
        "eager": draw(st.integers(0, 19)) != 19,
        "float64": draw(st.integers(0, 4)) != 4,
    }
    if sum(one["kind"] == "Add" for one in net["body"]) > 1 and draw(st.booleans()):
        case["relax"] = "sums"
    if case["optimizer"] == "rprop" and {one["kind"] for one in net["body"]} != {"Dense"}:
        # It reads signs: where a gradient is zero but for rounding, as before a normalization,
        # two ways of rounding part.
        case["optimizer"] = "momentum"
    if case["relax"] == "names":
        fits = [
            n
            for n, one in enumerate(net["body"])
            if one["kind"] in (*KERNEL, "LSTM", "Nested") and not one.get("marked")
        ]
        chosen = draw(st.lists(st.sampled_from(fits), min_size=1, unique=True)) if fits else []
        case["names"] = [f"layer_{n}" for n in sorted(chosen)] or ["head_0"]
    return case
