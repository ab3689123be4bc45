"""The report's text: no typed results, and every figure, table, citation and label resolves."""

import re
import subprocess
import sys
from pathlib import Path

from report.lib import studies

REPORT = Path(__file__).resolve().parents[2] / "report"
SHOWN = {shown.target for own in studies.shown().values() for shown in own}
FILES = [*REPORT.glob("*.tex"), *REPORT.glob("paper/*.tex"), *REPORT.glob("supplement/*.tex")]
TEXT = {path: path.read_text() for path in FILES}


def test_no_result_number_is_typed():
    for path, text in TEXT.items():
        if path.name in ("preamble.tex", "circuit.tex"):
            continue  # lengths and coordinates, not results
        if path.parent == REPORT:
            text = text.partition(r"\begin{document}")[2]
        text = re.sub(r"(?<!\\)%.*", "", text)
        text = re.sub(r"p\{[\d.]+\\\w+\}", "", text)  # column widths
        assert not re.findall(r"\d*\.\d+", text), path


def test_every_figure_and_table_is_printed_and_exists():
    text = "\n".join(TEXT.values())
    figures = set(re.findall(r"\\includegraphics\{figures/(\w+)\}", text))
    tables = set(re.findall(r"\\(?:input\{tables/|resulttable\{|settingstable\{)(\w+)\}", text))
    files = {f"figures/{name}.pdf" for name in figures}
    files |= {f"tables/{name}.tex" for name in tables}
    assert files == SHOWN - {"figures/readme_landscapes.pdf"}


def test_every_citation_and_label_exists():
    text = "\n".join(TEXT.values())
    entries = set(re.findall(r"^@\w+\{(\w+),", (REPORT / "refs.bib").read_text(), re.M))
    cited = {key for keys in re.findall(r"\\cite[pt]\{([^}]*)\}", text) for key in keys.split(",")}
    labels = set(re.findall(r"\\label\{([^}]*)\}", text))
    assert cited == entries
    assert set(re.findall(r"\\ref\{([^}]*)\}", text)) <= labels
    assert {name for name in labels if name[:4] in ("tab:", "fig:")} <= set(
        re.findall(r"\\ref\{([^}]*)\}", text)
    )


def test_report_reaches_no_keras_through_what_it_imports():
    """In a process of its own: the tests' one may have Keras already."""
    script = """
import sys
import report.draw, report.verify
from report.lib import studies
for study in studies.found():
    for file in study.folder.glob("*.py"):
        studies.module(file)
print(*[name for name in ("keras", "jax", "tensorflow") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPORT.parent, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.split() == []


def test_report_never_imports_keras():
    for path in REPORT.rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) (keras|raikeras|jax|tensorflow)", path.read_text(), re.M
        )
