"""Where results come from: rows of the table, and how many runs are current."""

from report.lib.notice import current
from report.studies.e02_deep.looks import EXPERIMENT
from report.studies.overview import tables_provenance as table


def make_run(variant, seed, commit="a" * 40, confirmed=None, **provenance):
    source = {
        "commit": commit,
        "dirty": False,
        "profile": "full",
        "python": "3.11",
        "versions": {"numpy": "2.0"},
        "backend": "jax",
        "device": "cpu",
        "processor": "one",
        "dtype": "float32",
        "threads": 2,
        "wall_seconds": 30.0,
        "utc": "2026-11-21T08:00:00Z",
    }
    if confirmed:
        utc = "2026-11-22T08:00:00Z"
        source["confirmed"] = {"commit": confirmed, "dirty": False, "utc": utc}
    return {"variant": variant, "seed": seed, "provenance": source | provenance}


def rows(runs):
    letters = table._letters(runs)
    return [table._row(EXPERIMENT, part, runs, letters) for part in table._parts(runs)]


def test_one_row_for_a_commit_however_runs_were_confirmed():
    runs = [
        make_run("bp_default", seed, confirmed=letter * 40) for seed, letter in enumerate("bcde")
    ]
    (row,) = rows([*runs, make_run("bp_isometric", 7)])
    assert row[:4] == ["all 2", r"\num{5}", "0--3, 7", "jax"]
    assert row[4] == r"\texttt{aaaaaaa}, 2026-11-21"
    by = r"\texttt{bbbbbbb}, \texttt{ccccccc}, 2 more, 2026-11-22"
    assert row[5] == rf"\num{{4}} by {by}"


def test_another_commit_backend_or_machine_is_another_row():
    runs = [
        make_run("bp_default", 0),
        make_run("bp_default", 1, commit="b" * 40, dirty=True),
        make_run("bp_isometric", 0, backend="tensorflow"),
        make_run("bp_isometric", 1, processor="another"),
    ]
    found = rows(runs)
    assert [row[3] for row in found] == ["jax a", "jax a", "tensorflow a", "jax b"]
    assert found[1][4] == r"\texttt{bbbbbbb}*, 2026-11-21"
    shared, one, other = table._machines(runs, table._letters(runs))
    assert "numpy 2.0" in shared
    assert "processor" not in shared
    assert "processor one" in one
    assert "processor another" in other


def test_current_counts_runs_that_are_there_and_not_stale():
    def status(**count):
        return {"experiments": {"e02_deep": {"variants": {"bp": count}}}}

    name = "CurrentEZeroTwoDeep"
    assert current(status(expected=9, present=9, stale=0)) == {name: "all"}
    assert current(status(expected=9, present=8, stale=3)) == {name: "5 of 9"}
    assert current(status(expected=9, present=9, stale=9)) == {name: "none"}
