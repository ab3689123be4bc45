"""The README's Python runs as it stands there, and does what it says."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_readme_code_runs_and_trains_the_deployed_network():
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
        if "history" in names and "first" not in names:
            names["first"] = names["history"].history
    assert names["first"]["accuracy"][-1] >= 0.95
    x, y, net = names["x"], names["y"], names["net"]
    assert ((net.predict(x, verbose=0) > 0.5) == y).mean() >= 0.9


def test_readme_names_existing_files():
    root = README.parent
    for path in re.findall(
        r"`((?:raikeras|experiments|report)/[\w/.]+)`", README.read_text("utf-8")
    ):
        if "eNN" not in path:
            assert (root / path).exists(), path
