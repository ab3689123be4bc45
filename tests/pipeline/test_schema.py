"""What results hold: one schema a study, for experiments that write and a report that reads."""

import json

import pytest
from pipeline_project import ROOT

from experiments import results
from experiments.driver import profiles
from experiments.results import schema

ENTRIES = profiles.read(ROOT)
REFERENCE = sorted((ROOT / "report" / "reference").glob("*/*/seed-*.json"))
ALONE = {"metrics": ["loss"], "curves": ["step"], "optional": ["bytes"]}


@pytest.fixture
def study(monkeypatch):
    """The schema of an experiment of the test's own."""
    made = type("Schema", (), {name: staticmethod(lambda _, v=v: v) for name, v in ALONE.items()})
    made.__name__ = "experiments.e99_own.schema"
    monkeypatch.setattr(schema, "of", lambda experiment: made)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_run_of_every_profile_has_names_each_once(name):
    folder, entry = ENTRIES[name]
    defaults = profiles.script_settings(folder / "experiment.py")
    for profile in entry["profiles"].values():
        for variant, own in entry["variants"].items():
            given = {key: value for key, value in own.items() if key != "backend"}
            given |= profile.get("all", {}) | profile.get(variant, {})
            for what in ("metrics", "curves"):
                found = list(getattr(schema.of(name), what)(defaults | given))
                assert len(found) == len(set(found)) and (found or what == "curves")


@pytest.mark.parametrize("name", ENTRIES)
def test_committed_results_have_the_names_of_their_schema(name):
    files = [path for path in REFERENCE if path.parts[-3] == name]
    for path in files:
        run = json.loads(path.read_text(encoding="utf-8"))
        schema.check(name, run["settings"], run["metrics"], run["curves"])


def test_there_are_committed_results():
    assert len(REFERENCE) > 1000


def test_names_are_joined_in_every_combination():
    assert schema.names("a b", range(2), ["loss"]) == [
        "a_0_loss",
        "a_1_loss",
        "b_0_loss",
        "b_1_loss",
    ]
    assert schema.names([], "loss") == []


def test_a_result_with_other_names_is_refused_before_it_is_written(study, tmp_path):
    run = {"variant": "a", "seed": 0, "settings": {}}
    curves = {"step": []}
    wrong = (
        r"metrics of experiments.e99_own.schema. Received: lost that it does not name, without loss"
    )
    with pytest.raises(results.SchemaError, match=wrong):
        results.save(tmp_path / "own", run, metrics={"lost": 1.0}, curves=curves)
    with pytest.raises(results.SchemaError, match="curves of .* nothing that .*, without step"):
        results.save(tmp_path / "own", run, metrics={"loss": 1.0}, curves={})
    assert not (tmp_path / "own").exists()
    results.save(tmp_path / "own", run, metrics={"loss": 1.0, "bytes": 3}, curves=curves)


def test_an_experiment_of_no_study_is_named():
    with pytest.raises(results.SchemaError, match="Received: experiment='e99_none'"):
        schema.of("e99_none")
