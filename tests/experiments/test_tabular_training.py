"""How the runs of a variant are trained at once and saved."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

from experiments import results
from experiments.common import tabular_training as training
from experiments.results import schema


def test_a_variant_is_trained_once_and_each_split_saved(tmp_path, monkeypatch):
    """Made-up results, of all splits at once; a lost one is diverged."""
    asked = []

    def results_of(run, splits):
        asked.append((run["variant"], splits))
        return {one: ({"score": [1.0, np.inf][one]}, {"curve": []}) for one in splits}

    monkeypatch.setattr(schema, "check", lambda *_: None)  # a study of the test's own
    runs = [{"variant": name, "seed": seed} for seed in (0, 1) for name in ("a", "b")]
    training.save_variants(tmp_path / "made", runs, {}, {"key": "k"}, results_of)
    assert asked == [("a", [0, 1]), ("b", [0, 1])]
    first, second, *others = results.load(tmp_path)
    assert len(others) == 2 and first["provenance"]["key"] == "k"
    assert first["metrics"] == {"score": 1.0} and first["curves"] == {"curve": []}
    assert [(one["seed"], one["status"]) for one in (first, second)] == [(0, "ok"), (1, "diverged")]
