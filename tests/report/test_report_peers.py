"""The comparison with other packages: its page, table and macros say what the measurement found."""

import copy
from pathlib import Path

import pytest

from benchmarks import peers_page
from report.studies.overview import numbers, packages

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def found():
    return packages.read()


def test_the_page_is_that_of_the_measurement(found):
    assert (ROOT / "docs" / "peers.md").read_text(encoding="utf-8") == peers_page.page(found)


def test_every_contender_has_its_numbers(found):
    """A measurement with numbers of its own: each is in the page and in the table's lines."""
    made = copy.deepcopy(found)
    names = list(made["rows"]["10"])
    for place, name in enumerate(names):
        made["rows"]["10"][name] = {"ratio": [1.25, 1.0, 1.5 + place], "ms": 64, "compile": 3}
    page, lines = peers_page.page(made), packages.times(made)
    assert len(lines) == 2 * len(names)
    for place, name in enumerate(names):
        assert f"| {name} | 64 | 1.25 [1.00, {1.5 + place:.2f}] | 3.0 |" in page
        assert lines[2 * place].startswith(rf"{name} & \num{{64.0}} & 1.25 & \num{{3.0}} &")
        assert rf"[1.00,\,{1.5 + place:.2f}]" in lines[2 * place + 1]


def test_packages_have_a_version_and_as_many_words_as_columns(found):
    assert set(found["can"]) == set(found["versions"])
    assert {len(words) for words in found["can"].values()} == {len(found["columns"])}
    assert "depth" not in found and set(found["rows"]) == {"10", "100"}


def test_the_text_names_sizes_machine_and_commit(found, tmp_path):
    macros = numbers.macros(tmp_path)
    assert macros["PeersSteps"] == r"\num{10}"
    assert macros["PeersCommit"] == found["commit"]
    assert macros["PeersDay"] == found["when"][:10]
