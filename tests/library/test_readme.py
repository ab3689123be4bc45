"""The code in the README and the guide runs as it stands there, and does what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def code_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)


def test_code_runs_and_trains_the_deployed_network():
    names: dict = {}
    quick_start, choices = code_of("README.md")
    exec(quick_start, names)
    assert names["history"].history["accuracy"][-1] >= 0.95
    predicted = names["net"].predict(names["x"], verbose=0) > 0.5
    assert (predicted == names["y"]).mean() >= 0.95
    exec(choices, names)
    names["keras"].utils.set_random_seed(0)  # whatever ran before
    (own_rule,) = code_of("docs/guide/extend.md")
    exec(own_rule, names)
    assert names["signs"].history["accuracy"][-1] >= 0.8
    (norms,) = code_of("docs/guide/logs.md")
    exec(norms, names)
    assert names["watched"].history["gradient_norm/low"][-1] > 0


def test_the_documentation_starts_with_the_same_code():
    (first,) = code_of("docs/index.md")
    assert first.splitlines()[2:12] == code_of("README.md")[0].splitlines()[2:12]


def test_readme_and_guide_name_existing_files():
    for page in (README, *ROOT.glob("docs/**/*.md")):
        text = page.read_text("utf-8")
        for path in re.findall(r"`((?:raikeras|experiments|report)/[\w/.]+)`", text):
            if "eNN" not in path and "NAME" not in path:
                assert (ROOT / path).exists(), (page.name, path)
        for path in re.findall(r"\]\(([\w/.]+)\)", text):
            assert (page.parent / path).exists(), (page.name, path)
