"""What the studies of cost share: backends, and how their quantities are written."""

from report.lib import latex

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
# A quantity is the last word of a metric's name; how it is written and its unit in running text.
QUANTITIES = {
    "seconds": (lambda value: latex.seconds(1000 * value), r"\,ms"),
    "first_seconds": (lambda value: latex.significant(value, 2), r"\,s"),
    "ratio": (lambda value: latex.significant(value, 2), ""),
    "floor_ratio": (lambda value: latex.significant(value, 2), ""),
    "rows_bytes": (lambda value: latex.significant(value / 2**20, 2), r"\,MiB"),
}
