"""Makes build/X/report.pdf and supplement.pdf; installs TeX first where that is possible.

Usage: typeset.py build/X, from the project's root. Figures, tables and numbers.tex of X are there.
The two refer to each other's labels through their .aux files (package xr).
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ["latexmk", "texlive-latex-extra", "texlive-science", "lmodern"]
USED = re.compile(r"\\usepackage(?:\[[^\]]*\])?\{([^}]*)\}")
DOCUMENTS = {"supplement": "report/supplement.tex", "report": "report/paper.tex"}
TURNS = 4
UNDEFINED = re.compile(r"(?:Reference|Citation) [`'].*?' .*undefined")


def main(folder: Path) -> None:
    """Typesets the paper and its supplement for one profile's folder; or ends with what to do."""
    ensure_tex(folder)
    work = folder / "tex"
    work.mkdir(parents=True, exist_ok=True)
    (work / "latexmk.out").unlink(missing_ok=True)
    # In turns until neither has read an older .aux file of the other: the second turn finds the
    # labels, the third, as a rule, nothing to do.
    for _ in range(TURNS):
        before = labels(work)
        for name, text in DOCUMENTS.items():
            typeset(name, text, folder)
        if labels(work) == before:
            break
    for name in DOCUMENTS:
        for line in undefined(work / f"{name}.log"):
            print(f"warning: {name}: {line}", file=sys.stderr)
        os.replace(work / f"{name}.pdf", folder / f"{name}.pdf")


def labels(work: Path) -> dict[str, bytes]:
    """The documents' .aux files."""
    files = [work / f"{name}.aux" for name in DOCUMENTS]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def typeset(name: str, text: str, folder: Path) -> None:
    """Makes build/X/tex/NAME.pdf."""
    print(f"{folder}/{name}.pdf", flush=True)
    work = folder / "tex"
    if latexmk(name, text, folder):
        # Auxiliary files of a killed run can be broken, also the other's: once more without them.
        shutil.rmtree(work)
        work.mkdir()
        if latexmk(name, text, folder):
            log = work / f"{name}.log"
            sys.exit(f"{errors(log)}\nerror: LaTeX failed; its log: {log}")


def latexmk(name: str, text: str, folder: Path) -> int:
    """Runs latexmk with fixed dates, so that equal inputs give equal bytes."""
    search = os.pathsep.join(["report//", str(folder), str(folder / "tex"), ""])
    # 2000-01-01: SOURCE_DATE_EPOCH of the caller, if any, goes before.
    dates = {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", "946684800")}
    paths = {"TEXINPUTS": search, "BIBINPUTS": search, "BSTINPUTS": search}
    environment = {
        **os.environ,
        **dates,
        **paths,
        "FORCE_SOURCE_DATE": "1",
        "max_print_line": "1000",
    }
    command = ["latexmk", "-pdf", f"-jobname={name}", f"-outdir={folder / 'tex'}"]
    # latexmk does not know of an .aux file that was not there when it was looked for.
    command += ["-g"] if undefined(folder / "tex" / f"{name}.log") else []
    command += ["-interaction=nonstopmode", "-halt-on-error", "-file-line-error", text]
    with open(folder / "tex" / "latexmk.out", "a", encoding="utf-8") as out:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode


def ensure_tex(folder: Path) -> None:
    """Installs what is missing as root on Debian; elsewhere ends with one line."""
    if not missing():
        return
    if os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get"):
        log = folder / "tex-install.log"
        print(f"installing TeX: {' '.join(PACKAGES)} (about 80 s; log: {log})", flush=True)
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=900", "-q"]
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        with open(log, "w", encoding="utf-8") as out:
            for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
                subprocess.run(
                    [*apt, *words],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    check=False,
                )
    if lacking := missing():
        sys.exit(
            f"error: the PDF needs TeX (missing: {', '.join(lacking)}). Install "
            f"{' '.join(PACKAGES)} and type the same command again; figures, tables and "
            f"numbers.tex are ready in {folder}"
        )


def missing() -> list[str]:
    """What the report needs and this machine lacks."""
    programs = [name for name in ("latexmk", "pdflatex", "bibtex") if not shutil.which(name)]
    if programs or not shutil.which("kpsewhich"):
        return programs or ["kpsewhich"]
    text = Path("report/preamble.tex").read_text(encoding="utf-8")
    used = [f"{name}.sty" for names in USED.findall(text) for name in names.split(",")]
    found = subprocess.run(["kpsewhich", *used], capture_output=True, text=True, check=False)
    names = {Path(line).name for line in found.stdout.splitlines()}
    return [name for name in used if name not in names]


def errors(log: Path) -> str:
    """The error lines of a LaTeX log, each with what follows it."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    start = re.compile(r"^(!|\S+?:\d+: )")
    chosen = [i for i, line in enumerate(lines) if start.match(line)][:5]
    return (
        "\n".join("\n".join(lines[i : i + 5]) for i in chosen) or "LaTeX left no error in its log."
    )


def undefined(log: Path) -> list[str]:
    """References and citations that the PDF shows as question marks."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return sorted(set(UNDEFINED.findall(text)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: typeset.py build/X")
    try:
        main(Path(sys.argv[1]))
    except OSError as error:
        sys.exit(f"error: {error.filename or sys.argv[1]} must be writable: {error.strerror}")
