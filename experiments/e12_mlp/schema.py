"""What a result holds, by topic."""

from experiments.results.schema import names

GATES, CODINGS, NETS = "and or nand nor exor", "zero_one minus_plus", "perceptron mlp_two mlp_four"
STARTS = "zero constant small large glorot he orthogonal isometric"
RULES = "gradient momentum nesterov adagrad adadelta rmsprop adam"
SECOND = "bfgs lbfgs conjugate newton hessian_free"
PRUNINGS = "tiniest random largest"
JUDGED = ["rate", "train_loss", "test_accuracy"]


def metrics(settings):
    return METRICS[settings["topic"]](settings)


def curves(settings):
    return CURVES[settings["topic"]](settings)


def _gates(settings):
    solved = ["separable", "without_bias", "rule_solved", "rule_updates", "solutions"]
    return [
        *("exact_nets", "exact_wrong", "several_degrees", "mlp_two_starts_needed"),
        *names(GATES, CODINGS, solved),
        *names("exor two three", "separable"),
        *names(NETS, GATES, CODINGS, "share"),
        *names(NETS, ["exor_best_share", "exor_share"]),
    ]


def _gate_curves(settings):
    return [
        "exact",
        *names("and or nand nor", CODINGS, "weights"),
        *names("exor", CODINGS, "multipliers"),
        *names(NETS, GATES, CODINGS),
        *names(NETS, "exor_right"),
    ]


def _rules(settings):
    found = ["rate", "edge_share", "reached_share", "steps", "test_accuracy", "train_loss", "ratio"]
    return names(RULES, found)


def _regularisation(settings):
    found = ["stop_steps", "coefficient", "near_zero_share"]
    return names("none l1 l2", [*found, *names(["test", "stopped_test"], "loss accuracy")])


def _second_order(settings):
    found = ["reached_share", "iterations", "evaluations", "final_loss"]
    errors = names("newton gradient turn growth", "error")
    return [
        "weights",
        *names(f"gradient momentum {SECOND}", found),
        *names("gradient momentum", "rate"),
        *names("start end", ["negative_share", "condition", "uphill_share", *errors]),
        *("hessian_free_error", "taylor_half_slope", "taylor_whole_slope"),
    ]


def _pruning(settings):
    steps = range(settings["repairs"] + 1)
    return [
        "accuracy",
        *names("mild", ["changed_share", "variation", "random_changed_share"]),
        *names("hard", "accuracy change", steps),
        *names("hard_random_accuracy", (0, settings["repairs"])),
    ]


METRICS = {
    "gates": _gates,
    "starts": lambda settings: [
        *names(STARTS, [*JUDGED, "spread"]),
        *("zero_gain", "constant_gain", "one_unit_test_accuracy"),
    ],
    "rules": _rules,
    "batches": lambda settings: [
        *names("full mini single redrawn kept", JUDGED),
        *("redrawn_gain", "slope", "theory_error", "finite_theory_error"),
    ],
    "losses": lambda settings: names(
        "cross_entropy squared hinge", "glorot large", ["rate", "test_accuracy"]
    ),
    "regularisation": _regularisation,
    "linear": lambda settings: [
        *names("linear one_layer tanh", JUDGED),
        *(
            "integer_error",
            "collapse_error",
            "collapse_agreement_share",
            "linear_gain",
            "tanh_gain",
        ),
    ],
    "pruning": _pruning,
    "second_order": _second_order,
    "relaxed": lambda settings: [
        *names("bp rai", "exor", CODINGS, "share"),
        *names("bp rai", "test_accuracy"),
        *names("rai_constant", ["spread", "test_accuracy"]),
    ],
}
CURVES = {
    "gates": _gate_curves,
    "starts": lambda settings: ["steps", *names(STARTS, "loss")],
    "rules": lambda settings: ["steps", *names(RULES, "loss")],
    "batches": lambda settings: [
        *names("full mini single redrawn kept", "loss epoch"),
        *("sizes", "with_replacement", "with_theory", "without_replacement", "without_theory"),
    ],
    "losses": lambda settings: [
        "steps",
        *names("cross_entropy squared hinge", "glorot large", "valid_accuracy"),
    ],
    "regularisation": lambda settings: ["steps", *names("none l1 l2", "train test", "loss")],
    "linear": lambda settings: ["steps", *names("linear one_layer tanh", "loss")],
    "pruning": lambda settings: [
        "share",
        *names(PRUNINGS, "accuracy changed variation", range(settings["repairs"] + 1)),
    ],
    "second_order": lambda settings: [
        *names(f"gradient momentum {SECOND}", "length cost"),
        *names("start end", "damping to_gradient to_newton length"),
    ],
    "relaxed": lambda settings: names("bp rai", "loss"),
}
