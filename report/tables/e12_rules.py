"""The update rules, tuned alike: steps to the loss fixed beforehand, in mini and full batches."""

from pathlib import Path

from report import latex, mlp

GROUPS = {"rules": "mini-batches", "rules_full": "full batches"}
COLUMNS = {
    "rate": "rate",
    "reached_share": "reached",
    "steps": "steps",
    "ratio": "to gradient",
    "test_accuracy": "test accuracy",
}
BOUNDED = ("steps", "ratio", "test_accuracy")


def build(results: Path, out: Path) -> None:
    latex.write(out, mlp.table(results, mlp.RULES, GROUPS, COLUMNS, BOUNDED, "2pt"))
