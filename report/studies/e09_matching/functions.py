"""The nine transfer functions as figure and table print them."""

FUNCTIONS = {
    "step": "step",
    "linear": "linear",
    "leaky_relu": "leaky ReLU",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "tanh": "tanh",
    "arctan": "arctan",
    "softplus": "softplus",
    "elu": "ELU",
}
FORMULAS = {  # f, F and the range of f, in LaTeX; b is min(a, 0)
    "step": (r"\mathbf 1[a>0]", r"\max(a,0)", r"\{0,1\}"),
    "linear": ("a", r"\frac12a^2", r"\mathbb R"),
    "leaky_relu": (r"\max(a,0)+\beta b", r"\frac12a\,f(a)", r"\mathbb R"),
    "sigmoid": (r"1/(1+e^{-a})", r"\log(1+e^a)", "(0,1)"),
    "softmax": (r"e^{a_i}/\sum_je^{a_j}", r"\log\sum_je^{a_j}", r"\text{simplex}"),
    "tanh": (r"\tanh a", r"\log\cosh a", "(-1,1)"),
    "arctan": (r"\arctan a", r"a\arctan a-\frac12\log(1+a^2)", r"(-\frac\pi2,\frac\pi2)"),
    "softplus": (r"\log(1+e^a)", r"-\mathrm{Li}_2(-e^a)", r"(0,\infty)"),
    "elu": (r"\max(a,0)+e^b-1", r"\frac12\max(a,0)^2+e^b-1-b", r"(-1,\infty)"),
}
# The columns of the table, and the measured errors of which each prints the largest.
CHECKS = {
    "values": ("function", "integral", "divergence"),
    "$F'=f$": ("slope",),
    r"$D_F\ge0$": ("negative",),
    "$D_F=0$": ("zero",),
    "dual": ("dual",),
    "convex": ("convexity",),
}
