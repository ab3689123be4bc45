"""Nets that compute EXOR exactly, written out, with their errors counted in integers."""

from pathlib import Path

from report import latex, load, mlp

FUNCTIONS = {"step": r"\theta", "sign": r"\mathrm{sgn}", "relu": "r", "linear": ""}


def build(results: Path, out: Path) -> None:
    (run, *_) = load.of(load.runs(results, mlp.EXPERIMENT), "gates")
    lines = []
    for net in run["curves"]["exact"].values():
        hidden = [
            function(net["hidden_activation"], affine(row, ("x_1", "x_2"))) for row in net["hidden"]
        ]
        output = function(net["output_activation"], affine(net["output"], ("h_1", "h_2")))
        cells = [mlp.CODINGS[net["coding"]], *(f"${text}$" for text in (*hidden, output))]
        lines.append(" & ".join(cells))
    latex.write(out, latex.table("llll", ["coding", "$h_1$", "$h_2$", "$y$"], lines))


def function(name: str, argument: str) -> str:
    """An activation applied; the linear one leaves its argument alone."""
    return rf"{FUNCTIONS[name]}({argument})" if FUNCTIONS[name] else argument


def affine(weights: list[int], names: tuple[str, ...]) -> str:
    """A weighted sum with its bias, as one writes it."""
    terms = zip(weights, (*names, ""), strict=True)
    parts = [(value, name) for value, name in terms if value]
    text = ""
    for value, name in parts:
        size = "" if abs(value) == 1 and name else str(abs(value))
        text += ("-" if value < 0 else "+" if text else "") + size + name
    return text
