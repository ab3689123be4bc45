"""`make verify` and the checksums: a changed number fails, and names the claim and the file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.driver import checksums as written
from report.claims import checksums, judge

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "report" / "reference"


@pytest.fixture
def reference(tmp_path):
    """A copy of two experiments of the reference, with checksums."""
    for name in ("e01_shallow", "e02_deep"):
        shutil.copytree(REFERENCE / name, tmp_path / name)
        written.update(tmp_path, name)
    return tmp_path


def change(path, metric, value):
    content = json.loads(path.read_text())
    content["metrics"][metric] = value
    path.write_text(json.dumps(content))


def verify(folder):
    command = [sys.executable, str(ROOT / "report" / "verify.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_file_is_that_of_sha256sum(reference):
    """The oracle is the system's own tool."""
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum")
    done = subprocess.run(["sha256sum", "-c", "--quiet", written.FILE], cwd=reference, check=False)
    assert done.returncode == 0
    assert checksums.wrong(reference) == {}


def test_publishing_one_experiment_leaves_the_lines_of_the_others(reference):
    file = reference / written.FILE
    before = file.read_text().splitlines()
    change(reference / "e01_shallow/bp/seed-0.json", "test_accuracy", 0.1)
    change(reference / "e02_deep/bp_default/seed-0.json", "test_accuracy", 0.1)
    written.update(reference, "e02_deep")
    after = file.read_text().splitlines()
    changed = [line.partition("  ")[2] for line in {*before} ^ {*after}]
    assert {*changed} == {"e02_deep/bp_default/seed-0.json"}
    names = [line.partition("  ")[2] for line in after]
    assert names == sorted(names)
    assert [*checksums.wrong(reference)] == ["e01_shallow/bp/seed-0.json"]


def test_a_number_under_a_verdict_fails_and_names_the_claim(reference):
    for seed in range(10):
        change(reference / f"e01_shallow/rai_as_code/seed-{seed}.json", "test_accuracy", 0.2)
    done = verify(reference)
    assert done.returncode == 1
    row = next(line for line in done.stdout.splitlines() if line.startswith("C1 "))
    assert "DIFFERS" in row
    lines = [line for line in done.stdout.splitlines() if line.startswith("checksum: e01_shallow/")]
    assert len(lines) == 10
    assert all("is not what was published; claims that rest on it: C1, C3" in s for s in lines)


def test_any_other_number_fails_and_names_the_file(reference):
    before = verify(reference).stdout
    change(reference / "e01_shallow/bp_source/seed-3.json", "seconds", 1.25)
    after = verify(reference)
    assert after.returncode == 1
    new = [line for line in after.stdout.splitlines() if line not in before]
    name = "e01_shallow/bp_source/seed-3.json"
    assert new[0].startswith(f"checksum: {name} is not what was published; claims")
    assert checksums.resting_on(name, judge.read()["claims"]) == []
    assert "DIFFERS" not in "".join(new)


def test_files_that_are_missing_or_not_listed_are_named(reference):
    (reference / "e02_deep/bp_default/seed-0.json").unlink()
    shutil.copy(reference / "e01_shallow/bp/seed-0.json", reference / "e01_shallow/bp/seed-77.json")
    found = checksums.wrong(reference)
    assert found["e02_deep/bp_default/seed-0.json"] == "is missing"
    assert "has no checksum" in found["e01_shallow/bp/seed-77.json"]
    (reference / written.FILE).unlink()
    assert "is missing" in checksums.wrong(reference)[written.FILE]


def test_the_reference_is_what_was_published():
    assert checksums.wrong(REFERENCE) == {}
