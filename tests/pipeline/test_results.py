"""experiments/results: a result is written completely or not at all, and progress is visible."""

import errno
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from pipeline_project import ROOT

from experiments import results
from experiments.results import schema

RUN = {"variant": "bp", "seed": 3, "settings": {"rate": 0.1}, "number": 1, "total": 1}


@pytest.fixture(autouse=True)
def any_names(monkeypatch):
    """Results of no study: test_schema.py has what their names must be."""
    monkeypatch.setattr(schema, "check", lambda *_: None)


def save(folder, **changes):
    given = {"metrics": {"loss": 1.0}, "curves": {"iteration": [0]}, **changes}
    return results.save(folder, RUN, **given)


def test_saved_result_loads_again_with_its_place_settings_and_provenance(tmp_path):
    path = save(tmp_path / "e01", landscape={"permille": np.arange(4).reshape(4)})
    assert path == tmp_path / "e01" / "bp" / "seed-3.json"
    (found,) = results.load(tmp_path)
    assert (found["experiment"], found["variant"], found["seed"]) == ("e01", "bp", 3)
    assert found["settings"] == {"rate": 0.1}
    assert found["landscape"]["permille"] == [0, 1, 2, 3]
    assert set(found["provenance"]) == {
        *("key", "commit", "dirty", "profile", "python", "versions", "backend", "device"),
        *("processor", "dtype", "threads", "wall_seconds", "utc"),
    }
    assert found["provenance"]["versions"]["numpy"] == np.__version__


def test_numbers_that_are_not_finite_become_null_and_the_others_stay_exact(tmp_path):
    values = [float("nan"), float("inf"), -np.inf, np.float32(0.1), 1 / 3, np.int64(7), None]
    path = save(tmp_path, metrics={"values": values, "array": np.array([np.nan, 2.0])})
    metrics = json.loads(path.read_text(), parse_constant=pytest.fail)["metrics"]
    assert metrics["values"] == [None, None, None, float(np.float32(0.1)), 1 / 3, 7, None]
    assert metrics["array"] == [None, 2.0]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_the_old_result_and_nothing_half_written(tmp_path, monkeypatch, step):
    before = save(tmp_path).read_text()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(results.SaveError, match="No space left on device.*Free .* kB") as caught:
        save(tmp_path, metrics={"loss": 2.0})
    assert "seed-3.json" in str(caught.value)
    assert [p.name for p in (tmp_path / "bp").iterdir()] == ["seed-3.json"]
    assert (tmp_path / "bp" / "seed-3.json").read_text() == before


def test_a_disk_that_is_really_full_gives_the_same_error(tmp_path):
    """A file-size limit is what a process without rights can set to run out of space."""
    code = (
        "import resource, signal\n"
        "from experiments import results\n"
        "results.schema.check = lambda *_: None\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "run = {'variant': 'bp', 'seed': 0, 'settings': {}}\n"
        f"results.save({str(tmp_path)!r}, run, metrics={{}}, curves={{'a': [0] * 9999}})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "SaveError" in done.stderr.splitlines()[-1]
    assert "File too large" in done.stderr.splitlines()[-1]
    assert list((tmp_path / "bp").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "e01").write_text("a file where the folder should be")
    with pytest.raises(results.SaveError, match=r"e01/bp/seed-3\.json.*Not a directory"):
        save(tmp_path / "e01")


def test_unknown_status_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: status='fine'"):
        save(tmp_path, status="fine")


def test_each_merges_settings_and_leaves_the_defaults_alone():
    settings = {"rate": 0.1, "depth": 3}
    runs = [{"variant": "a", "seed": 0, "settings": {"depth": 5}}, {"variant": "b", "seed": 1}]
    merged = [run["settings"] for run in results.each(runs, settings)]
    assert merged == [{"rate": 0.1, "depth": 5}, {"rate": 0.1, "depth": 3}]
    assert settings == {"rate": 0.1, "depth": 3}


def test_each_refuses_a_setting_that_the_script_does_not_have():
    runs = [{"variant": "a", "seed": 0, "settings": {"dept": 5}}]
    with pytest.raises(ValueError, match="script has: depth. Received: dept"):
        next(results.each(runs, {"depth": 3}))


def test_progress_lines_say_which_run_of_how_many_and_the_time_left(monkeypatch, capsys):
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    common = {"experiment": "e02_deep", "variant": "bp", "total": 9}
    runs = [{**common, "seed": seed, "number": 7 + seed} for seed in range(3)]
    runs[2]["settings"] = {"iterations": 5000}  # start-up counts as 1000
    for run in results.each(runs, {"iterations": 1000}):
        if run["seed"] == 0:
            results.progress(run, 50, 100)
    assert capsys.readouterr().out.splitlines() == [
        "e02_deep 7/9 bp seed 0 started",
        "e02_deep 7/9 bp seed 0: 50 of 100; about 20 s left in this run",
        "e02_deep 7/9 bp seed 0 ... 40 s; about 3 min left",
        "e02_deep 8/9 bp seed 1 started; about 3 min left",
        "e02_deep 8/9 bp seed 1 ... 20 s; about 90 s left",
        "e02_deep 9/9 bp seed 2 started; about 90 s left",
        "e02_deep 9/9 bp seed 2 ... 20 s",
    ]


def test_module_imports_neither_keras_nor_numpy():
    code = "import sys, experiments.results; sys.exit(bool({'keras', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
