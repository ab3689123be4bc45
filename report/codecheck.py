"""`make codecheck.yml`: what a CODECHECK reproduces, from the list of what is shown."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from report.lib import studies  # noqa: E402
from report.lib.sources import parse  # noqa: E402

HEAD = """\
# Made by `make codecheck.yml`. `make report` makes these files in build/reference from committed
# results, `make reproduce PROFILE=full` in build/full from results of its own.
---
version: https://codecheck.org.uk/spec/config/1.0/
source: report/codecheck.py
paper:
  title: "raikeras: deep networks with relaxed activations"
  authors:
    - name: raikeras contributors
manifest:
"""


def text() -> str:
    """The file's text."""
    lines = []
    for shown in studies.shown().values():
        for one in shown:
            lines += [f"  - file: build/reference/{one.target}", f'    comment: "{about(one)}"']
    return HEAD + "\n".join(lines) + "\n"


def about(shown: studies.Shown) -> str:
    """The first sentence of the function that makes a figure or table."""
    nodes = [node for node in parse(shown.file).body if isinstance(node, ast.FunctionDef)]
    (function,) = [node for node in nodes if node.name == shown.function]
    return (ast.get_docstring(function) or shown.function).splitlines()[0].replace('"', "'")


def main(args: list[str]) -> int:
    """Writes the file; with `--check` only says whether it is what would be written."""
    file = ROOT / "codecheck.yml"
    if args != ["--check"]:
        file.write_text(text(), "utf-8")
    elif file.read_text("utf-8") != text():
        print("error: codecheck.yml is older than what the report shows: make codecheck.yml")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
