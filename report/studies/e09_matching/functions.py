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
FORMULAS = {  # f, F and the range of f, in LaTeX
    "step": (r"\mathbf 1[a>0]", r"\max(a,0)", r"\{0,1\}"),
    "linear": ("a", r"\frac12a^2", r"\mathbb R"),
    "leaky_relu": (r"\max(a,0)+\beta\min(a,0)", r"\frac12a\,f(a)", r"\mathbb R"),
    "sigmoid": (r"1/(1+e^{-a})", r"\log(1+e^a)", "(0,1)"),
    "softmax": (r"e^{a_i}/\sum_je^{a_j}", r"\log\sum_je^{a_j}", r"\text{simplex}"),
    "tanh": (r"\tanh a", r"\log\cosh a", "(-1,1)"),
    "arctan": (r"\arctan a", r"a\arctan a-\frac12\log(1+a^2)", r"(-\frac\pi2,\frac\pi2)"),
    "softplus": (r"\log(1+e^a)", r"-\mathrm{Li}_2(-e^a)", r"(0,\infty)"),
    "elu": (
        r"a\ (a>0),\ e^a-1\ (a\le0)",
        r"\frac12a^2\ (a>0),\ e^a-1-a\ (a\le0)",
        r"(-1,\infty)",
    ),
}
ERRORS = {
    "function": "$f$",
    "integral": "$F$",
    "slope": "$F'=f$",
    "divergence": "$D_F$",
    "negative": r"$D_F\ge0$",
    "zero": "$D_F=0$",
    "dual": "dual",
    "convexity": "convex",
}
