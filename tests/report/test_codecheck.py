"""codecheck.yml names what the paper shows."""

from report import codecheck


def test_it_is_current():
    assert (codecheck.ROOT / "codecheck.yml").read_text("utf-8") == codecheck.text(), (
        "make codecheck.yml"
    )
