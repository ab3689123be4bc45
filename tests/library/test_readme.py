"""The README's Python runs as it stands there, and does what it says."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_readme_code_runs_and_trains_the_deployed_network():
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
    quick_start, choices, own_rule, *others = blocks
    exec(quick_start, names)
    assert names["history"].history["accuracy"][-1] >= 0.95
    predicted = names["net"].predict(names["x"], verbose=0) > 0.5
    assert (predicted == names["y"]).mean() >= 0.95
    exec(choices, names)
    names["keras"].utils.set_random_seed(0)  # whatever ran before
    exec(own_rule, names)
    assert names["signs"].history["accuracy"][-1] >= 0.8
    for other in others:
        exec(other, names)
    assert names["watched"].history["gradient_norm/low"][-1] > 0
    assert names["sloped"].history["accuracy"][-1] >= 0.8
    assert 0 < (names["last"] <= 0.05).sum() < 32


def test_readme_names_existing_files():
    root = README.parent
    for path in re.findall(
        r"`((?:raikeras|experiments|report)/[\w/.]+)`", README.read_text("utf-8")
    ):
        if "eNN" not in path:
            assert (root / path).exists(), path
