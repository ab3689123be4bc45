"""What a perceptron and small nets can do on the gates, and EXOR written out."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e12_mlp.looks import CODINGS, EXPERIMENT, GATES
from report.studies.e12_mlp.topics import estimate, vector

ANSWERS = {0: "no", 1: "yes"}
FUNCTIONS = {"step": r"\theta", "sign": r"\mathrm{sgn}", "relu": "r", "linear": ""}
HEADER = ["coding", "gate", "perceptron", "proof", "without bias", "integer solutions"]
HEADER += ["updates of the rule", "perceptron (\\%)", "2-2-1 (\\%)", "2-4-1 (\\%)"]


def exor(results: Path, out: Path) -> None:
    """Nets that compute EXOR exactly, with their errors counted in integers."""
    (run, *_) = load.of(load.runs(results, EXPERIMENT), "gates")
    lines = []
    for net in run["curves"]["exact"].values():
        hidden = [
            _function(net["hidden_activation"], _affine(row, ("x_1", "x_2")))
            for row in net["hidden"]
        ]
        output = _function(net["output_activation"], _affine(net["output"], ("h_1", "h_2")))
        cells = [CODINGS[net["coding"]], *(f"${text}$" for text in (*hidden, output))]
        lines.append(" & ".join(cells))
    latex.write(out, latex.table("llll", ["coding", "$h_1$", "$h_2$", "$y$"], lines))


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
            for net in ("perceptron", "mlp_two", "mlp_four"):
                share = estimate(runs, "gates", f"{net}_{own}_share")
                cells.append(latex.percent(share.value))
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[2pt]")
    latex.write(out, latex.table("lllllrrrrr", HEADER, lines[:-1]))


def _proof(curves: dict, gate: str) -> str:
    """Weights and bias that solve the gate, or multipliers that prove that none do."""
    name = f"{gate}_weights"
    symbol = "w" if name in curves else "y"
    values = curves[name] if name in curves else curves[f"{gate}_multipliers"]
    return rf"${symbol}=$ {vector(values)}"
