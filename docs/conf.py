"""Sphinx: `make docs` builds the site into build/docs; warnings are errors."""

import inspect
import os
import re
import sys
import tomllib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import raikeras  # noqa: E402

project = "raikeras"
author = "raikeras contributors"
copyright = "raikeras contributors, Apache 2.0"  # noqa: A001  # Sphinx' name
release = raikeras.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_title = f"raikeras {release}"
html_static_path = ["_static"]
html_theme_options = {"navigation_with_keys": True}
default_role = "code"  # docstrings write names as `name`
pygments_style = "friendly"

# Tutorials are percent scripts, run at every build: one that breaks breaks the build.
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_custom_sections = ["Logs of `fit`"]
napoleon_use_rtype = False
napoleon_use_ivar = True


def fences(app, what, name, obj, options, lines):
    """Docstrings show code as Markdown does, which reads well in a terminal too."""
    found, inside = [], False
    for line in lines:
        fence = re.fullmatch(r"(\s*)```(\w*)", line)
        if fence:
            inside = not inside
            found += [f"{fence[1]}.. code-block:: {fence[2] or 'python'}", ""] if inside else [""]
        else:
            found.append("    " + line if inside and line.strip() else line)
    lines[:] = found


def inherited(app, what, name, obj, skip, options):
    """Leaves out what a class of ours has from Keras."""
    if inspect.isfunction(obj) and not (obj.__module__ or "").startswith("raikeras"):
        return True
    return skip


def verdicts():
    """A page with every criterion of the paper and its verdict, from the paper's own list."""
    claims = tomllib.loads((ROOT / "report/claims/claims.toml").read_text("utf-8"))["claims"]
    words = [
        f"| {claim['id']} | {_cell(claim)} | {claim.get('recorded', 'open')} |" for claim in claims
    ]
    head = ["| | criterion, fixed before the runs | verdict |", "|---|---|---|"]
    (HERE / "verdicts.inc").write_text("\n".join(head + words) + "\n", "utf-8")


def _cell(claim):
    text = re.sub(r"\\[a-zA-Z]+\{([^}]*)\}|[$\\]", r"\1", claim["statement"])
    return " ".join(text.split()).replace("|", "\\|")


def setup(app):
    verdicts()
    app.connect("autodoc-process-docstring", fences)
    app.connect("autodoc-skip-member", inherited)
