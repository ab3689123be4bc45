"""The suite sees one backend; what needs TensorFlow beside another one runs in its own process."""

import importlib
import os
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import keras
import pytest

BACKENDS = {"tensorflow", "jax", "torch"}
HERE = Path(__file__).parent


@pytest.mark.skipif("KERAS_BACKEND" not in os.environ, reason="no backend was asked for")
@pytest.mark.parametrize("name", sorted(BACKENDS - {keras.backend.backend()}))
def test_no_other_backend_can_be_imported(name):
    keras.utils.set_random_seed(0)  # imports TensorFlow on every backend, if it can
    assert name not in sys.modules
    with pytest.raises(ModuleNotFoundError, match=name):
        importlib.import_module(name)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="they run with all others")
@pytest.mark.skipif(not PathFinder.find_spec("tensorflow"), reason="TensorFlow is not installed")
def test_tf_data_and_event_files_work_beside_another_backend():
    files = [path for path in HERE.glob("test_*.py") if "from tf_streams" in path.read_text()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-m", "tensorflow", *files],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "runs apart" not in done.stdout
