"""The gates in both codings: linear program, perceptron rule and backprop on each."""

from pathlib import Path

from report import latex, load, mlp

ANSWERS = {0: "no", 1: "yes"}
HEADER = ["coding", "gate", "perceptron", "proof", "without bias", "integer solutions"]
HEADER += ["updates of the rule", "perceptron (\\%)", "2-2-1 (\\%)", "2-4-1 (\\%)"]


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, mlp.EXPERIMENT)
    (first, *_) = load.of(runs, "gates")
    lines = []
    for coding, title in mlp.CODINGS.items():
        for gate, label in mlp.GATES.items():
            own = f"{gate}_{coding}"
            known = first["metrics"]
            solved = known[f"{own}_rule_solved"]
            cells = [title if gate == "and" else "", label, ANSWERS[known[f"{own}_separable"]]]
            cells += [proof(first["curves"], own), ANSWERS[known[f"{own}_without_bias"]]]
            cells += [latex.integer(known[f"{own}_solutions"])]
            cells += [latex.integer(known[f"{own}_rule_updates"]) if solved else "recurs"]
            for net in ("perceptron", "mlp_two", "mlp_four"):
                share = mlp.estimate(runs, "gates", f"{net}_{own}_share")
                cells.append(latex.percent(share.value))
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[2pt]")
    latex.write(out, latex.table("lllllrrrrr", HEADER, lines[:-1]))


def proof(curves: dict, gate: str) -> str:
    """Weights and bias that solve the gate, or multipliers that prove that none do."""
    name = f"{gate}_weights"
    symbol = "w" if name in curves else "y"
    values = curves[name] if name in curves else curves[f"{gate}_multipliers"]
    return rf"${symbol}=$ {mlp.vector(values)}"
