"""Results of the experiments: for scripts, and the one package that the report shares with them."""

from experiments.results.files import SaveError, load, save
from experiments.results.progress import each, progress
from experiments.results.schema import SchemaError

__all__ = ["SaveError", "SchemaError", "each", "load", "progress", "save"]
