"""Perceptrons and small nets trained by backprop on the gates, and what e12 says of the gates."""

import keras
import numpy as np
from keras import ops

from experiments.common import vectorised
from experiments.e12_mlp import gates
from experiments.e12_mlp.gates import CODINGS, EXOR_NETS, GATES, points

NETS = {"perceptron": [], "mlp_two": [2], "mlp_four": [4]}  # hidden units


def measure(run):
    """Metrics and curves of the topic `gates`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    metrics, curves = by_program(settings), proofs()
    for name, hidden in NETS.items():
        right, weights = train(hidden, seed, settings)
        solved = right.all(-1)  # (gates, codings, starts)
        for g, gate in enumerate(GATES):
            for c, coding in enumerate(CODINGS):
                metrics[f"{name}_{gate}_{coding}_share"] = solved[g, c].mean()
                shown = int(np.argmax(solved[g, c]))  # the first start that does it, else start 0
                curves[f"{name}_{gate}_{coding}"] = [w[g, c, shown].round(4) for w in weights]
        exor = list(GATES).index("exor")
        metrics[f"{name}_exor_best_share"] = right[exor].mean(-1).max()
        metrics[f"{name}_exor_share"] = solved[exor].mean()
        curves[f"{name}_exor_right"] = right[exor].sum(-1)
        if name == "perceptron":
            metrics["several_degrees"] = widest_angle(weights, solved)
    metrics["mlp_two_starts_needed"] = starts_needed(metrics["mlp_two_exor_share"])
    return metrics, curves, "ok"


def by_program(settings):
    """What needs no training: exact nets, certificates, the rule's walk, how many solutions."""
    metrics = {
        "exact_nets": len(EXOR_NETS),
        "exact_wrong": sum(map(gates.wrong, EXOR_NETS.values())),
    }
    for coding in CODINGS:
        inputs = points(coding)
        for gate, outputs in GATES.items():
            own = f"{gate}_{coding}"
            walk = gates.perceptron_rule(outputs, coding)
            metrics[f"{own}_separable"] = _decided(outputs, inputs)
            metrics[f"{own}_without_bias"] = _decided(outputs, inputs, False, False)
            metrics[f"{own}_rule_solved"] = int(walk.solved)
            metrics[f"{own}_rule_updates"] = walk.updates
            metrics[f"{own}_solutions"] = gates.integer_solutions(
                outputs, coding, settings["largest"]
            )
    metrics["exor_separable"] = sum(metrics[f"exor_{coding}_separable"] for coding in CODINGS)
    metrics["two_separable"] = gates.separable_functions(2)
    metrics["three_separable"] = gates.separable_functions(3)
    return metrics


def proofs():
    """The exact EXOR nets, weights of the separable gates, multipliers of the others, as text."""
    found = {"exact": {name: net._asdict() for name, net in EXOR_NETS.items()}}
    for coding in CODINGS:
        for gate, outputs in GATES.items():
            decision = gates.decide(*gates.system(outputs, points(coding)))
            kind = "weights" if decision.multipliers is None else "multipliers"
            found[f"{gate}_{coding}_{kind}"] = [str(value) for value in getattr(decision, kind)]
    return found


def _decided(outputs, inputs, bias=True, strict=True):
    """1 if one perceptron decides the gate, 0 if it is proved that none does."""
    rows, bounds = gates.system(outputs, inputs, bias, strict)
    return int(gates.decide(rows, bounds).weights is not None)


def train(hidden, seed, settings):
    """Every gate in every coding from many starts, full batch, all at once.

    Returns:
        Which of the four inputs are right, bool of shape `(gates, codings, starts, 4)`, and the
        weights, each with the leading axes `(gates, codings, starts)`.
    """
    starts = settings["starts"]
    shape = (len(GATES), len(CODINGS), starts)
    inputs = np.array([points(coding) for coding in CODINGS], "float32")
    signs = np.where(np.array(list(GATES.values())), 1, -1).astype("float32")
    extra = {
        "x": np.broadcast_to(inputs[None, :, None], (*shape, 4, 2)).reshape(-1, 4, 2),
        "signs": np.broadcast_to(signs[:, None, None], (*shape, 4)).reshape(-1, 4),
    }
    runs = len(extra["x"])
    first = 1000 * seed

    def build():
        layers = [keras.layers.Dense(units, "tanh") for units in hidden]
        return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])

    net = build()

    def objective(weights, x, y, extra):
        """Logistic loss, nats per input; each run has its own gate and coding in `extra`."""
        logits = net.stateless_call(weights, [], extra["x"])[0][:, 0]
        return ops.mean(ops.softplus(-extra["signs"] * logits))

    weights = vectorised.repeat(
        vectorised.starts(build, range(first, first + starts)), len(GATES) * len(CODINGS)
    )
    nets = vectorised.Many(
        net, keras.optimizers.Adam(), objective, weights, [settings["learning_rate"]] * runs
    )
    none = np.zeros((1, 1), "float32")
    nets.train(none, none, np.zeros((runs, settings["steps"], 1), "int32"), extra)
    outputs = nets.outputs(inputs.reshape(-1, 2)).reshape(*shape, len(CODINGS), 4)
    own = np.stack([outputs[:, c, :, c] for c in range(len(CODINGS))], axis=1)
    right = own * signs[:, None, None] > 0
    return right, [np.asarray(weight).reshape(*shape, *weight.shape[1:]) for weight in nets.weights]


def widest_angle(weights, solved):
    """Degrees between the two most different perceptrons (weights and bias) that solve AND."""
    kernel, bias = (weight[0, 0][solved[0, 0]] for weight in weights)
    vectors = np.column_stack([kernel[..., 0], bias]).astype("float64")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.degrees(np.arccos(np.clip((vectors @ vectors.T).min(), -1, 1))) if len(vectors) else 0


def starts_needed(share, sure=0.99):
    """Starts of which the best solves the gate with probability `sure`, if each does in `share`."""
    if share in (0, 1):
        return 1 if share else None
    return int(np.ceil(np.log(1 - sure) / np.log(1 - share)))
