"""Types for users: the package is marked as typed, and the README's quick start type-checks."""

import re
import subprocess
import sys

import pytest
from pipeline_project import ROOT

WRONG = [
    ("raikeras.Learned()", "raikeras.Learned(refresh_every='often')", "refresh_every"),
    ("deployed_every=10", "deployed_every='often'", "deployed_every"),
]


def checked(tmp_path, text):
    """What mypy says of a user's file, strictly."""
    file = tmp_path / "mine.py"
    file.write_text(text)
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nignore_missing_imports = true\n")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        config,
        "--follow-imports=silent",
        file,
    ]
    environment = {"MYPYPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


def quick_start():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return "\n".join(blocks[:2])


def test_the_package_is_marked():
    assert (ROOT / "raikeras" / "py.typed").is_file()


def test_the_quick_start_type_checks(tmp_path):
    status, said = checked(tmp_path, quick_start())
    assert status == 0, said


@pytest.mark.parametrize("right, wrong, name", WRONG)
def test_a_wrong_argument_does_not(tmp_path, right, wrong, name):
    text = quick_start()
    assert right in text
    status, said = checked(tmp_path, text.replace(right, wrong))
    assert status == 1 and name in said
