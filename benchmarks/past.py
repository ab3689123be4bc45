"""What earlier benchmarks on this machine found: a line of JSON each in build/bench.jsonl."""

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "build" / "bench.jsonl"


def machine() -> str:
    """The processor's name and its cores, for their kinds differ in what they do well."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":")[1].strip() if lines else name
    return f"{name}, {os.cpu_count()} cores"


def commit() -> str:
    """The present commit, `+` where files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--exclude=*"]
    found = subprocess.run([*command, "--dirty=+"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def last(kind: dict) -> dict[str, dict]:
    """The rows last measured with this machine, backend and sizes; each by its name."""
    rows: dict[str, dict] = {}
    if FILE.exists():
        for line in FILE.read_text().splitlines():
            entry = json.loads(line)
            if entry["kind"] == kind:
                rows |= entry["rows"]
    return rows


def now() -> str:
    """The time, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def append(kind: dict, rows: dict[str, dict]) -> None:
    """Adds what was measured."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a") as file:
        file.write(
            json.dumps({"when": now(), "commit": commit(), "kind": kind, "rows": rows}) + "\n"
        )
