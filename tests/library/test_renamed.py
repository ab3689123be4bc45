"""Names of 0.1 keep working until 0.3, with a warning."""

import importlib
import sys

import pytest

import raikeras
from raikeras.targets import Targets


@pytest.mark.parametrize("name, shown", [("step", "Step"), ("weight_steps", "Local")])
def test_a_module_that_moved_warns_and_shows_the_same(name, shown):
    sys.modules.pop(f"raikeras.{name}", None)
    with pytest.warns(DeprecationWarning, match=f"raikeras.training.{name} since 0.2.*0.3"):
        old = importlib.import_module(f"raikeras.{name}")
    new = importlib.import_module(f"raikeras.training.{name}")
    assert getattr(old, shown) is getattr(new, shown)


def test_what_a_rule_keeps_has_its_old_name():
    with pytest.warns(DeprecationWarning, match="Targets.kept since 0.2"):
        assert Targets([], kept=3).memory == 3


def test_old_names_go_when_they_were_said_to():
    assert tuple(map(int, raikeras.__version__.split("."))) < (0, 3)
