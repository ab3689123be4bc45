"""What the benchmarks and the scaling study time: the same nets, the right products, fair turns."""

import os
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks import contenders

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))
import memory  # noqa: E402

SIZES = {"depth": 3, "units": 4, "batch": 2}


def test_floor_is_the_three_products_of_a_step():
    depth, batch, units = 3, 2, 4
    rng = np.random.default_rng(0)
    shapes = (batch, units), (batch, units), (units, units)
    values, errors, kernels = (
        np.stack([rng.normal(size=shape) for _ in range(depth)]) for shape in shapes
    )
    found = contenders.floor(depth, units, batch)()
    for product, expected in zip(
        found,
        (
            np.einsum("dbi,dij->dbj", values, kernels),
            np.einsum("dbj,dij->dbi", errors, kernels),
            np.einsum("dbi,dbj->dij", values, errors),
        ),
        strict=True,
    ):
        np.testing.assert_allclose(product, expected, rtol=1e-4, atol=1e-5)


def test_floor_under_xla_gives_the_same_products():
    plain, xla = (contenders.floor(3, 4, 2, jit_compile=choice)() for choice in (False, True))
    for one, two in zip(plain, xla, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", contenders.METHODS)
def test_contenders_start_from_the_same_weights_and_train_on_the_same_batches(method):
    net = contenders.net(3, 4)
    start = [np.array(weight) for weight in net.get_weights()]
    contender = contenders.Contender(method, "sgd", batches=3, **SIZES)
    trained = contender.model if method == "backprop" else contender.model.net
    for one, two in zip(start, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    contender.fit(epochs=2)
    assert int(contender.model.optimizer.iterations) == 6
    assert any((a != b).any() for a, b in zip(start, trained.get_weights(), strict=True))


def test_rows_bytes_are_one_number_for_every_example_target_and_slot():
    contender = contenders.Contender("layerwise", "rprop", batches=3, **SIZES)
    assert contender.rows_bytes() == 0
    contender.fit()
    examples, targets, tables = 6, 3 * 4 + 1, 3
    ages = 4 * examples
    assert contender.rows_bytes() == 4 * examples * targets * tables + ages
    assert contenders.Contender("backprop", "sgd", batches=1, **SIZES).rows_bytes() == 0


def test_take_turns_goes_round_and_ratio_is_the_median_within_rounds():
    order = []
    runs = {name: lambda name=name: order.append(name) for name in "abc"}
    times = contenders.take_turns(runs, 2)
    assert order == list("abcabc")
    assert all(values.shape == (2,) for values in times.values())
    assert contenders.ratio(np.array([2.0, 30.0, 4.0]), np.array([1.0, 10.0, 8.0])) == 2.0


@pytest.mark.parametrize("settings", [("evolution", "sgd"), ("backprop", "lion")])
def test_an_unknown_choice_is_named(settings):
    with pytest.raises(
        ValueError, match=f"Received: .*{settings[0 if settings[1] == 'sgd' else 1]}"
    ):
        contenders.Contender(*settings, batches=1, **SIZES)


def test_a_thousand_layers_can_be_built_and_the_recursion_limit_never_falls():
    before = sys.getrecursionlimit()
    assert len(contenders.net(1000, 2).layers) == 1001
    assert sys.getrecursionlimit() >= before
    keras.utils.clear_session()


@pytest.mark.skipif(not memory.measurable(), reason="needs Linux with glibc")
def test_memory_counts_what_a_call_holds_and_forgets_it_afterwards():
    size, before = 200 * 2**20, memory.resident()
    most = memory.peak(lambda: np.ones(size, "uint8").sum())
    assert 0.95 * size < most - before < 1.3 * size
    assert memory.resident() - before < 0.1 * size


def test_benchmark_rows_are_held_against_backprop_of_the_same_optimizer_and_mode(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    from benchmarks import step_time

    rows = step_time.table("tensorflow")
    bases = {each.name: [other.name for other in rows if other.is_base_of(each)] for each in rows}
    assert len(bases) == len(rows)  # no two of one name
    assert all(len(found) == 1 for found in bases.values())
    assert bases["RAI fused, sgd, deployed metrics"] == ["backprop, sgd"]
    assert (
        bases["RAI fused, rprop, XLA"]
        == bases["the three products, XLA"]
        == ["backprop, rprop, XLA"]
    )
    assert not step_time.ready("jax") or os.environ["KERAS_BACKEND"] == "jax"
