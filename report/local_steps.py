"""The cost of local steps as macros and table: which methods, which quantities."""

from report import latex, load, scaling

EXPERIMENT = "e16_local_steps"
LABELS = {
    "backprop": "backprop",
    "s": "LocoProp-S",
    "s_closed": "LocoProp-S, closed form",
    "m": "LocoProp-M",
    "inferred": "inferred",
}
QUANTITIES = ("ratio", "seconds", "compile_seconds")


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text: `\\EOneSixJaxSRatio`, with `CI` the interval behind it."""
    prefix = "E" + latex.camel(str(int(experiment[1:3])))
    settings = load.of(runs, "jax")[0]["settings"]
    found = {
        prefix + "N": latex.integer(len(load.of(runs, "jax"))),
        prefix + "Batch": latex.integer(settings["batch_size"]),
        prefix + "Steps": latex.integer(settings["local_steps"]),
        prefix + "Rounds": latex.integer(settings["rounds"]),
    }
    for backend in scaling.BACKENDS:
        for method in LABELS:
            for quantity in QUANTITIES:
                name = f"{method}_{quantity}"
                write, unit = scaling.QUANTITIES[quantity]
                value = scaling.estimate(runs, backend, name)
                own = prefix + latex.camel(f"{backend}_{name}")
                found[own] = write(value.value) + unit
                found[own + "CI"] = latex.with_interval(value, write) + unit
    return found
