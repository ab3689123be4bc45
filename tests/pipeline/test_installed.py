"""Importing the library where Keras' backend is missing: one sentence, before Keras is imported.

Python runs without its packages, beside folders that look like some: this needs no Keras, and is
the same whatever is installed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WENT_ON = "ModuleNotFoundError: No module named 'keras'"  # the check was content


def last_line(folder: Path, *packages: str, config: str | None = None, **environment) -> str:
    """What `import raikeras` says at the end where only these packages are installed."""
    for name in packages:
        (folder / "packages" / name).mkdir(parents=True)
        (folder / "packages" / name / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "home" / ".keras").mkdir(parents=True)
    if config is not None:
        (folder / "home" / ".keras" / "keras.json").write_text(config)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KERAS_")}
    paths = os.pathsep.join([str(ROOT), str(folder / "packages")])
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import raikeras"],
        env=kept | {"PYTHONPATH": paths, "HOME": str(folder / "home")} | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def test_jax_alone_without_keras_backend_gets_a_sentence(tmp_path):
    assert last_line(tmp_path, "jax") == (
        "ImportError: The Keras backend must be installed, tensorflow, jax or torch. Received: "
        "backend='tensorflow' (Keras' default, as KERAS_BACKEND is not set), installed: jax. Set "
        "KERAS_BACKEND=jax in the environment before Python imports Keras, or pip install "
        "tensorflow."
    )


def test_no_backend_at_all_names_what_to_install(tmp_path):
    said = last_line(tmp_path)
    assert (
        "installed: none of them. Install one: pip install tensorflow; or pip install jax" in said
    )


@pytest.mark.parametrize("name", ["tensorflow", "torch", "openvino", "no_such_backend"])
def test_a_backend_that_was_asked_for_and_is_missing_is_named(tmp_path, name):
    said = last_line(tmp_path, "jax", KERAS_BACKEND=name)
    assert f"backend='{name}' (set by KERAS_BACKEND), installed: jax. Set" in said


def test_the_configuration_file_is_read_and_named(tmp_path):
    said = last_line(tmp_path, "tensorflow", config=json.dumps({"backend": "jax"}))
    assert "backend='jax' (set in " in said and "keras.json), installed: tensorflow" in said


def test_keras_home_says_where_the_configuration_file_is(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keras.json").write_text('{"backend": "jax"}')
    settings = {"config": '{"backend": "tensorflow"}', "KERAS_HOME": str(tmp_path / "elsewhere")}
    assert last_line(tmp_path, "jax", **settings) == WENT_ON


def test_the_environment_goes_before_the_file(tmp_path):
    settings = {"config": '{"backend": "tensorflow"}', "KERAS_BACKEND": "jax"}
    assert last_line(tmp_path, "jax", **settings) == WENT_ON


@pytest.mark.parametrize("config", [None, "", "no json", "{}"])
@pytest.mark.parametrize("backend", [{}, {"KERAS_BACKEND": ""}])
def test_tensorflow_is_what_keras_takes_when_nothing_is_said(tmp_path, config, backend):
    assert last_line(tmp_path, "tensorflow", config=config, **backend) == WENT_ON


def test_a_folder_of_that_name_is_no_package(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    assert "installed: jax" in last_line(tmp_path, "jax")


def test_nothing_is_said_where_keras_is_imported_already(tmp_path):
    code = "import sys; sys.modules['keras'] = sys; from raikeras.installed import check_backend"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{code}; check_backend()"],
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr and "must be installed" not in done.stderr  # it went on to import Keras
