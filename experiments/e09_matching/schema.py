"""What a result holds: how far each transfer function is from its oracles."""

from experiments.results.schema import names

FUNCTIONS = "step linear leaky_relu sigmoid softmax tanh arctan softplus elu"
CHECKS = "function integral slope convexity divergence dual negative zero"


def metrics(settings):
    return [*names(FUNCTIONS, CHECKS), *names("matching backprop fixed_point", "error")]


def curves(settings):
    divergences = names(["divergence"], range(len(settings["drawn_targets"])))
    return ["x", *names(FUNCTIONS, ["f", "integral", *divergences])]
