"""`make setup`: one .venv with exactly the packages of requirements/*.txt, hashes checked.

Needs only Python >= 3.11 with venv. Killed half-way, the next call starts the folder afresh.
`--clean` removes build/ except the results of the full profile, which take long to make.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED, READY = VENV / "unfinished", VENV / "ready"


def main() -> None:
    """Makes the environment, or says in one sentence why it cannot."""
    if sys.version_info < (3, 11):
        received = ".".join(map(str, sys.version_info[:3]))
        stop(
            f"Python must be 3.11 or newer. Received: {received}. Name one: make PYTHON=python3.12"
        )
    if sys.argv[1:] == ["--clean"]:
        return clean()
    try:
        make_venv()
        install()
    except OSError as error:
        stop(f"{VENV} must be writable. Received: {error.strerror}. Free space or change its mode.")
    READY.touch()
    UNFINISHED.unlink()


def make_venv() -> None:
    """A new .venv, unless a whole and fitting one is there."""
    usable = not UNFINISHED.exists() and PYTHON.exists() and ask("-c", "import sys, pip")
    if not usable:
        print(f"making {VENV} with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
        UNFINISHED.touch()
        need_ensurepip()
        run([sys.executable, "-m", "venv", str(VENV)], "Python's venv must work")
    UNFINISHED.touch()
    READY.unlink(missing_ok=True)


def need_ensurepip() -> None:
    """Debian ships Python without it: installs its package where that is allowed."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = "python{}.{}-venv".format(*sys.version_info)
    wanted = f"Python's venv needs ensurepip. On Debian: apt-get install {package}"
    if os.geteuid() or not shutil.which("apt-get"):
        stop(wanted)
    run(["apt-get", "-q", "update"], wanted)
    run(["apt-get", "-q", "install", "-y", "--no-install-recommends", package], wanted)


def install() -> None:
    """Everything in requirements/, compiled, and the checkout itself importable."""
    wanted = "Package downloads must work: check the network and pip's settings, then start again"
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--require-hashes", "-r", ROOT / "requirements" / "uv.txt"], wanted)
    print("installing requirements/all.txt (about a minute)", flush=True)
    environment = dict(os.environ, UV_COMPILE_BYTECODE="1", VIRTUAL_ENV=str(VENV))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode, imports take 3 x as long
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON]
    run([*uv, "--require-hashes", "-r", ROOT / "requirements" / "all.txt"], wanted, environment)
    # Relative, so that a copied checkout imports itself; no build, so nothing more to download.
    site = ask("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "raikeras-checkout.pth").write_text(os.path.relpath(ROOT, site) + "\n")


def ask(*words: str) -> str:
    """What the environment's Python prints; empty if it does not work."""
    done = subprocess.run([PYTHON, *words], capture_output=True, text=True, check=False)
    return (done.stdout or " ") if done.returncode == 0 else ""


def run(command: list, wanted: str, environment: Mapping = os.environ) -> None:
    """Runs a command; a failure ends the set-up with what it needs."""
    if subprocess.run([str(word) for word in command], env=environment, check=False).returncode:
        stop(f"{wanted}. Failed: {' '.join(str(word) for word in command[:4])} ...")


def clean() -> None:
    """Removes everything below build/ except build/full/results."""
    build = ROOT / "build"
    for path in [*build.glob("*"), *build.glob("full/*")]:
        if path not in (build / "full", build / "full" / "results"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if (build / "full" / "results").exists():
        print("build/full/results is kept: it takes long to make; remove it by hand if you must")
    elif build.exists():
        shutil.rmtree(build)


def stop(message: str) -> None:
    """Ends with one line."""
    sys.exit(f"error: {message}")


if __name__ == "__main__":
    main()
