"""What made-up runs of e12 have of their own: every topic's metrics and curves in one."""

from report.studies.e12_mlp.looks import CODINGS, GATES, METHODS, RULES, STARTS


def mlp_part(seed):
    """Small numbers of the right kind; EXOR is not separable, everything else is."""
    metrics = {f"{rule}_{what}": 0.5 + 0.1 * seed for rule in RULES for what in _RULE}
    metrics |= {f"{start}_{what}": 0.5 for start in STARTS for what in _START}
    metrics |= {f"{method}_{what}": 5 for method in METHODS for what in _METHOD}
    metrics |= {name: 0.5 for name in _SINGLE} | {"zero_spread": 0.0, "exor_separable": 0}
    metrics |= {"exact_wrong": 0, "newton_iterations": None}
    curves = {"exact": {"hat": _HAT}, "steps": [0, 1, 2], "share": [0.0, 0.5, 0.9]}
    for coding in CODINGS:
        for gate in GATES:
            own = f"{gate}_{coding}"
            metrics |= {f"{own}_{what}": int(gate != "exor") for what in _GATE}
            metrics |= {f"{net}_{own}_share": 0.5 for net in _NETS}
            kind = "multipliers" if gate == "exor" else "weights"
            curves[f"{own}_{kind}"] = ["1/4", "1/4", "1/4", "1/4"][: 3 + (gate == "exor")]
            curves[f"perceptron_{own}"] = [[[1.0], [1.0]], [-0.5]]
            curves[f"mlp_two_{own}"] = [[[1.0, 1.0], [1.0, -1.0]], [0.0, 1.0], [[1.0], [-2.0]], [0]]
    for name in (*(f"{rule}_loss" for rule in RULES), *_LOSSES):
        curves[name] = [2.0, 0.5, 0.1]
    for name in ("full", "mini", "single"):
        curves |= {f"{name}_epoch": [0, 1, 2], f"{name}_loss": [2.0, 1.0, 0.5]}
    curves["sizes"] = [1, 2, 4]
    for name in ("with", "without"):
        curves |= {f"{name}_replacement": [2.0, 1.4, 1.0], f"{name}_theory": [2.0, 1.5, 1.0]}
    for place in ("start", "end"):
        curves |= {f"{place}_damping": [1e-3, 1.0, 1e3], f"{place}_to_gradient": [90, 45, 1]}
        curves[f"{place}_to_newton"] = [1, 45, 90]
    for method in METHODS:
        curves |= {f"{method}_length": [1.0, 0.1, 0.0], f"{method}_cost": [0, 1, 2]}
    settings = {"wanted_loss": 0.1, "wanted_length": 1e-5}
    return {
        "settings": settings | dict.fromkeys(_SETTINGS, 3),
        "metrics": metrics,
        "curves": curves,
        "landscape": None,
    }


_HAT = {
    "coding": "zero_one",
    "hidden_activation": "relu",
    "output_activation": "linear",
    "hidden": [[1, 1, 0], [1, 1, -1]],
    "output": [1, -2, 0],
}
_RULE = ("rate", "edge_share", "reached_share", "steps", "ratio", "test_accuracy", "train_loss")
_START = ("rate", "spread", "train_loss", "test_accuracy")
_METHOD = ("reached_share", "iterations", "evaluations", "final_loss")
_GATE = ("separable", "without_bias", "rule_solved", "rule_updates", "solutions")
_NETS = ("perceptron", "mlp_two", "mlp_four")
_LOSSES = [f"{name}_test_loss" for name in ("none", "l1", "l2")]
_LOSSES += [f"tiniest_accuracy_{k}" for k in range(3)] + ["random_accuracy_0", "largest_accuracy_0"]
_SETTINGS = ("train_examples", "largest", "steps", "batch_size", "epochs")
_SINGLE = """
    perceptron_exor_best_share mlp_two_exor_share mlp_four_exor_share mlp_two_starts_needed
    two_separable three_separable several_degrees zero_gain constant_gain one_unit_test_accuracy
    slope theory_error single_train_loss mini_train_loss full_train_loss redrawn_gain
    cross_entropy_glorot_test_accuracy squared_glorot_test_accuracy hinge_glorot_test_accuracy
    cross_entropy_large_test_accuracy squared_large_test_accuracy hinge_large_test_accuracy
    none_test_loss none_stopped_test_loss l1_test_loss l2_test_loss none_test_accuracy
    none_stopped_test_accuracy l1_test_accuracy l2_test_accuracy l1_near_zero_share
    l2_near_zero_share none_stop_steps l1_stop_steps l2_stop_steps integer_error collapse_error
    collapse_agreement_share linear_gain tanh_gain mild_changed_share mild_random_changed_share
    accuracy hard_accuracy_0 hard_accuracy_1 hard_accuracy_2 hard_change_2 hard_random_accuracy_0
    hard_random_accuracy_2 weights end_newton_error end_gradient_error end_turn_error
    start_negative_share start_uphill_share hessian_free_error end_condition taylor_half_slope
    taylor_whole_slope rai_constant_test_accuracy rai_constant_spread rai_test_accuracy
    bp_test_accuracy rai_exor_zero_one_share rai_exor_minus_plus_share bp_exor_zero_one_share
    bp_exor_minus_plus_share
""".split()
