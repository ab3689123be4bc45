"""`make setup`: an environment with exactly the packages of a file here, hashes checked.

`setup.py` makes .venv by all.txt, `setup.py build/floor-jax floor-jax.txt` another environment.
Needs only Python >= 3.11 with venv. Killed half-way, the next call starts the folder afresh.
`--clean` removes build/ except the results of the full profile, which take long to make.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Makes the environment, or says in one sentence why it cannot."""
    if sys.version_info < (3, 11):
        received = ".".join(map(str, sys.version_info[:3]))
        stop(
            f"Python must be 3.11 or newer. Received: {received}. Name one: make PYTHON=python3.12"
        )
    if sys.argv[1:] == ["--clean"]:
        return clean()
    folder, packages = sys.argv[1:] or (".venv", "all.txt")
    if packages.startswith("floor-") and sys.version_info >= (3, 13):
        received = ".".join(map(str, sys.version_info[:3]))
        advice = "Name one: make test-floor PYTHON=python3.11"
        stop(f"For the oldest versions Python must be 3.11 or 3.12. Received: {received}. {advice}")
    venv = ROOT / folder
    try:
        make_venv(venv)
        install(venv, ROOT / "requirements" / packages)
    except OSError as error:
        stop(f"{venv} must be writable. Received: {error.strerror}. Free space or change its mode.")
    (venv / "ready").touch()
    (venv / "unfinished").unlink()


def make_venv(venv: Path) -> None:
    """A new environment, unless a whole and fitting one is there."""
    unfinished = venv / "unfinished"
    usable = not unfinished.exists() and python(venv).exists() and ask(venv, "import sys, pip")
    if not usable:
        print(f"making {venv} with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        venv.mkdir(parents=True)
        unfinished.touch()
        need_ensurepip()
        run([sys.executable, "-m", "venv", str(venv)], "Python's venv must work")
    unfinished.touch()
    (venv / "ready").unlink(missing_ok=True)


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


def install(venv: Path, packages: Path) -> None:
    """Everything in uv.txt and a list of packages, compiled, and the checkout itself importable."""
    wanted = "Package downloads must work: check the network and pip's settings, then start again"
    pip = [python(venv), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--require-hashes", "-r", ROOT / "requirements" / "uv.txt"], wanted)
    print(f"downloading and installing {summary(packages)} (about a minute)", flush=True)
    environment = dict(os.environ, UV_COMPILE_BYTECODE="1", VIRTUAL_ENV=str(venv))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode, imports take 3 x as long
    uv = [python(venv), "-m", "uv", "pip", "install", "--quiet", "--python", python(venv)]
    run([*uv, "--require-hashes", "-r", packages], wanted, environment)
    beside = packages.with_suffix(".in")
    if beside.exists():
        install_torch(pip, uv, beside)
    # Relative, so that a copied checkout imports itself; no build, so nothing more to download.
    site = ask(venv, "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "raikeras-checkout.pth").write_text(os.path.relpath(ROOT, site) + "\n")


def install_torch(pip: list, uv: list, packages: Path) -> None:
    """PyTorch for processors: from where pip is set to look, or else from PyTorch's own index."""
    version = re.search(r"^torch==([\d.]+)", packages.read_text("utf-8"), re.MULTILINE)[1]
    print(f"downloading PyTorch {version} for processors, about 180 MB", flush=True)
    own = [str(word) for word in (*pip, "--no-deps", "-r", packages)]
    if subprocess.run(own, stderr=subprocess.DEVNULL, check=False).returncode:
        wanted = (
            f"PyTorch {version} for processors must be there for Python {sys.version.split()[0]}"
        )
        run([*uv, "--no-deps", "--torch-backend", "cpu", "-r", packages], wanted)


def summary(packages: Path) -> str:
    """How many packages a file lists, and the versions of those that matter most."""
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", packages.read_text("utf-8"), re.MULTILINE)
    named = [f"{name} {pin}" for name, pin in pins if name in ("jax", "keras", "tensorflow")]
    return f"requirements/{packages.name}: {len(pins)} packages, with {', '.join(named)}"


def python(venv: Path) -> Path:
    """The environment's interpreter."""
    return venv / "bin" / "python"


def ask(venv: Path, code: str) -> str:
    """What the environment's Python prints; empty if it does not work."""
    done = subprocess.run([python(venv), "-c", code], capture_output=True, text=True, check=False)
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
