"""The study of approximation as its figure, table and numbers use it: names and macros."""

from report import gradients, latex, load

EXPERIMENT = "e13_approximation"
TARGETS = ("smooth", "kinked", "step")
NORMS = {"sup": "largest error", "rms": "r.m.s. error"}


def dimensions(runs: list[dict]) -> list[int]:
    """The dimensions of the cube that were run."""
    return runs[0]["settings"]["dimensions"]


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text."""
    settings = load.of(runs, "tanh")[0]["settings"]
    widths, trained = settings["widths"], settings["trained_widths"]
    return gradients.every_metric(runs, experiment) | {
        "EOneThreeNarrow": latex.integer(widths[0]),
        "EOneThreeWide": latex.integer(widths[-1]),
        "EOneThreeTrainedWide": latex.integer(trained[-1]),
        "EOneThreeExamples": latex.integer(settings["train_examples"]),
        "EOneThreeSteps": latex.integer(settings["steps"]),
        "EOneThreeGrid": latex.integer(settings["grid_points"]),
        "EOneThreeSample": latex.integer(2 ** settings["sample_power"]),
    }
