"""What every test shares: one backend, a compilation cache, Keras' global settings put back."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder

import pytest


class OneBackend(PathFinder):
    """Python's search for packages, blind to those in `hidden`."""

    hidden: set[str] = set()

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in cls.hidden:
            return None
        return super().find_spec(fullname, path, target)


# XLA's cheapest code for processors: most of the tests' time on JAX is compilation.
QUICK_XLA = ["--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false"]
MOST_WORKERS = 8  # of a few GB each


def pytest_addoption(parser):
    parser.addoption(
        "--quick-compile",
        action="store_true",
        help="have the backends compile fast rather than well; they then round otherwise",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    return min(MOST_WORKERS, len(cores))


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "tensorflow: needs TensorFlow whatever the backend; `-m tensorflow` shows it"
    )
    hide_other_backends(only_marked=config.option.markexpr == "tensorflow")
    share_compilations(config)
    if config.option.quick_compile:
        compile_fast(by_itself=not config.getoption("numprocesses", None))


def hide_other_backends(only_marked: bool) -> None:
    """Makes importing a backend that is not the one under test an error, as if it were missing.

    Keras itself imports TensorFlow on every backend where it can (`keras.utils.set_random_seed`),
    and TensorFlow imports JAX: so a test that does cannot be told by what has been imported.
    """
    backend = os.environ.get("KERAS_BACKEND")
    if backend:
        OneBackend.hidden = {"tensorflow", "jax", "torch"} - {backend}
        if only_marked:
            OneBackend.hidden.discard("tensorflow")
        sys.meta_path[sys.meta_path.index(PathFinder)] = OneBackend


def pytest_collection_modifyitems(items):
    """Leaves what needs TensorFlow to a process that has it: see test_backends.py."""
    if importlib.util.find_spec("tensorflow"):
        return
    for item in items:
        if item.get_closest_marker("tensorflow"):
            item.add_marker(pytest.mark.skip(reason="runs apart: test_backends.py"))


def share_compilations(config):
    """Lets JAX compile each program once a run: without a cache, every new model and every loop
    or condition outside jit compiles again what an equal one before it did.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = tempfile.TemporaryDirectory(prefix="raikeras-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def compile_fast(by_itself: bool) -> None:
    """See `--quick-compile`; `by_itself` or in a worker, tests run in this process."""
    backend = os.environ.get("KERAS_BACKEND")
    if QUICK_XLA[0] not in os.environ.get("XLA_FLAGS", ""):  # which workers inherit
        known = [flag for flag in QUICK_XLA if backend != "jax" or jax_knows(flag)]
        os.environ["XLA_FLAGS"] = " ".join([*known, os.environ.get("XLA_FLAGS", "")])
    if by_itself and backend == "tensorflow":
        import tensorflow

        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def jax_knows(flag: str) -> bool:
    """Whether this JAX starts with a flag of XLA: a process that does not know one dies of it."""
    command = [sys.executable, "-c", "import jax; jax.devices()"]
    environment = {**os.environ, "XLA_FLAGS": flag}
    return not subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def pytest_report_header():
    return f"KERAS_BACKEND: {os.environ.get('KERAS_BACKEND', 'tensorflow')}"


@pytest.fixture(autouse=True)
def _keras_settings_put_back():
    """Restores floatx and dtype policy; pipeline tests, which never import Keras, stay fast."""
    if "keras" not in sys.modules:
        yield
        return
    keras = sys.modules["keras"]
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
