"""One papermill kernel for all missing runs of an experiment: environment, output, failures."""

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from experiments.driver.chunks import Chunk
from experiments.driver.errors import DriverError, describe
from experiments.driver.files import write_if_changed
from experiments.driver.profiles import Experiment, short

DIED = "its Python process died (was it killed, or out of memory?)"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# glibc maps a block of 32 MB or more afresh at each request and gives it back when it is freed, and
# the buffers of a training step of a deep net are such blocks: then every step pays for the page
# faults, up to half of its time. These settings keep freed memory in the process; no result depends
# on them but the times. The benchmarks take them from here. Other allocators ignore them.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}


class Output:
    """What the kernel prints: to the log at once, and to the terminal if there is one to show."""

    def __init__(self, log: TextIO, terminal: TextIO | None):
        self.log, self.terminal = log, terminal

    def write(self, text: str) -> None:
        """Passes the text on; papermill calls flush after each one."""
        self.log.write(text)
        if self.terminal:
            self.terminal.write(text)

    def flush(self) -> None:
        """Nothing waits in a buffer."""
        self.log.flush()
        if self.terminal:
            self.terminal.flush()


def execute(root: Path, logs: Path, chunk: Chunk, parameters: dict[str, Any]) -> None:
    """Runs the script from top to bottom with the parameters in place of its own.

    Raises:
        DriverError: a cell failed, the kernel died or took too long.
    """
    experiment, build = chunk.experiment, root / "build"
    notebook, log = logs / f"{chunk.name}.ipynb", logs / f"{chunk.name}.log"
    try:
        prepare(root, build, chunk.backend, log)
        logs.mkdir(parents=True, exist_ok=True)
        log.write_text("", encoding="utf-8")
    except OSError as error:
        raise DriverError(describe(error, error.filename or build)) from None
    # Here, not above: a check that finds nothing to do must not pay for these imports.
    import jupytext
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    limit = int(experiment.minutes_per_run * 60 * len(parameters["runs"]))
    with open(log, "a", encoding="utf-8") as file:
        try:
            papermill.execute_notebook(
                jupytext.read(experiment.script),
                str(notebook),
                parameters=parameters,
                kernel_name="python3",
                language="python",
                cwd=str(root),
                progress_bar=False,
                stdout_file=Output(file, sys.stdout),
                stderr_file=Output(file, None),
                start_timeout=300,
                execution_timeout=limit,
                shutdown_kernel="immediate",
            )
        except papermill.PapermillExecutionError as error:
            raise DriverError(_failed(error, experiment, notebook, log, file)) from None
        except DeadKernelError:
            reason = DIED
        except RuntimeError as error:  # so jupyter_client says it of a kernel that never answered
            if "Kernel died" not in str(error):
                raise
            reason = DIED
        except CellTimeoutError:
            minutes = experiment.minutes_per_run
            reason = (
                f"it took longer than {minutes} minutes a run (minutes_per_run in profiles.toml)"
            )
        else:
            return
    raise DriverError(f"{experiment.name} did not finish: {reason}.{_where(notebook, log)}")


def prepare(root: Path, build: Path, backend: str, log: Path) -> None:
    """Sets what the kernel inherits, so that nothing of the user's own set-up changes a result."""
    jupyter = build / "jupyter"
    # TensorFlow's C++ code writes to the terminal past Python: into the log with it.
    argv = ["/bin/sh", "-c", 'exec "$@" >>"$RAIKERAS_LOG" 2>&1', "sh", sys.executable]
    argv += ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv += ["--log-level=ERROR"]  # it warns of its local, signed connection
    spec = {"argv": argv, "display_name": "python3", "language": "python"}
    kernel = jupyter / "kernels" / "python3" / "kernel.json"
    write_if_changed(kernel, json.dumps(spec))  # another experiment may read it
    own = [str(root), str(Path(__file__).parents[2])]
    paths = [*own, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ.update(
        KERAS_BACKEND=backend,
        KERAS_HOME=str(build / "keras"),  # a user's keras.json may change floatx or epsilon
        PYTHONPATH=os.pathsep.join(dict.fromkeys(paths)),
        PYTHONHASHSEED="0",
        RAIKERAS_LOG=str(log),
        TF_CPP_MIN_LOG_LEVEL="3",
        JAX_COMPILATION_CACHE_DIR=str(build / "jax"),  # the second seed finds the first one's code
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0.2",
        JUPYTER_PATH=str(jupyter),  # found before any kernel that the user installed
        JUPYTER_RUNTIME_DIR=str(jupyter / "runtime"),
        JUPYTER_PLATFORM_DIRS="1",
        IPYTHONDIR=str(jupyter / "ipython"),
        **ALLOCATOR,
    )


def stop_on_signals(parent: int | None = None) -> None:
    """SIGINT and SIGTERM unwind the stack, which kills the kernel; a second one ends at once.

    Should this process be killed, ipykernel notices within a second that its parent is gone.

    Args:
        parent: The process above, whose end counts as SIGTERM: killed, it tells nobody. `None`:
            make's, if there is one.
    """

    def stop(signum: int, frame: Any) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda signum, frame: os._exit(130))
        raise KeyboardInterrupt

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, stop)
    if parent is None and "MAKELEVEL" in os.environ:
        parent = os.getppid()
    if parent is not None:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()


def _failed(error: Any, experiment: Experiment, notebook: Path, log: Path, file: TextIO) -> str:
    """The message for a failing cell: its traceback, unless its last line says everything."""
    traceback = "\n".join(error.traceback)
    file.write(ANSI.sub("", traceback) + "\n")
    if error.ename == "SaveError":
        return (
            f"{experiment.name} stopped. {error.evalue.partition('] ')[2]}.{_where(notebook, log)}"
        )
    text = traceback if sys.stderr.isatty() else ANSI.sub("", traceback)
    return (
        f"{experiment.name} failed in a cell of {short(experiment.script)}:\n{text}\n"
        f"Correct the cause and start again: finished results are kept.{_where(notebook, log)}"
    )


def _where(notebook: Path, log: Path) -> str:
    return f"\nExecuted notebook: {notebook}\nAll output: {log}"
