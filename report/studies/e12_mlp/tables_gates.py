"""What a perceptron and small nets can do on the gates, and EXOR written out."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e12_mlp.looks import CODINGS, EXPERIMENT, GATES
from report.studies.e12_mlp.topics import estimate, vector

ANSWERS = {0: "no", 1: "yes"}
FUNCTIONS = {"step": r"\theta", "sign": r"\mathrm{sgn}", "relu": "r", "linear": ""}
NETS = {"perceptron": "none", "mlp_two": "two", "mlp_four": "four"}  # hidden units
HEADER = ["coding", "gate", "separable", "proof", "no bias", "solutions", "updates"]


def exor(results: Path, out: Path) -> None:
    """Nets that compute EXOR exactly, with their errors counted in integers."""
    (run, *_) = load.of(load.runs(results, EXPERIMENT), "gates")
    lines, before = [], None
    for net in run["curves"]["exact"].values():
        hidden = [
            _function(net["hidden_activation"], _affine(row, ("x_1", "x_2")))
            for row in net["hidden"]
        ]
        output = _function(net["output_activation"], _affine(net["output"], ("h_1", "h_2")))
        if net["coding"] != before:
            before = net["coding"]
            lines.append(rf"\multicolumn{{3}}{{@{{}}l@{{}}}}{{inputs {CODINGS[before]}}} \\")
        lines.append(" & ".join(f"${text}$" for text in (*hidden, output)))
    latex.write(out, latex.table("lll", ["$h_1$", "$h_2$", "output"], lines))


def _function(name: str, argument: str) -> str:
    """An activation applied; the linear one leaves its argument alone."""
    return rf"{FUNCTIONS[name]}({argument})" if FUNCTIONS[name] else argument


def _affine(weights: list[int], names: tuple[str, ...]) -> str:
    """A weighted sum with its bias, as one writes it."""
    terms = zip(weights, (*names, ""), strict=True)
    parts = [(value, name) for value, name in terms if value]
    text = ""
    for value, name in parts:
        size = "" if abs(value) == 1 and name else str(abs(value))
        text += ("-" if value < 0 else "+" if text else "") + size + name
    return text


def gates(results: Path, out: Path) -> None:
    """The gates in both codings: linear program, perceptron rule and backprop on each."""
    runs = load.runs(results, EXPERIMENT)
    (first, *_) = load.of(runs, "gates")
    lines = []
    for coding, title in CODINGS.items():
        for gate, label in GATES.items():
            own = f"{gate}_{coding}"
            known = first["metrics"]
            solved = known[f"{own}_rule_solved"]
            cells = [title if gate == "and" else "", label, ANSWERS[known[f"{own}_separable"]]]
            cells += [_proof(first["curves"], own), ANSWERS[known[f"{own}_without_bias"]]]
            cells += [latex.integer(known[f"{own}_solutions"])]
            cells += [latex.integer(known[f"{own}_rule_updates"]) if solved else "recurs"]
            for net in NETS:
                share = estimate(runs, "gates", f"{net}_{own}_share")
                cells.append(latex.percent(share.value))
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[2pt]")
    above = r"\multicolumn{7}{@{}l}{} & \multicolumn{3}{c@{}}{\% solved, hidden units:} \\"
    header = [f"{above}\n{HEADER[0]}", *HEADER[1:], *NETS.values()]
    latex.write(out, latex.table("lllllrrrrr", header, lines[:-1]))


def _proof(curves: dict, gate: str) -> str:
    """Weights and bias that solve the gate, or multipliers that prove that none do."""
    name = f"{gate}_weights"
    symbol = "w" if name in curves else "y"
    values = curves[name] if name in curves else curves[f"{gate}_multipliers"]
    return rf"${symbol}=$ {vector(values)}"
