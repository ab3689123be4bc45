"""What the benchmarks and the scaling study time: the same nets, the right products, fair turns."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from benchmarks import contenders, past, step_time

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


def test_benchmark_rows_are_held_against_backprop_of_the_same_optimizer_and_mode():
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


def test_a_benchmark_finds_what_an_earlier_one_on_this_machine_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(past, "FILE", tmp_path / "bench.jsonl")
    kind = {"machine": past.machine(), "backend": "jax", **SIZES}
    assert past.last(kind) == {}
    past.append(kind, {"a": {"ratio": 2.0}, "b": {"ratio": 1.0}})
    past.append(kind, {"a": {"ratio": 3.0}})
    past.append(kind | {"depth": 9}, {"a": {"ratio": 7.0}})
    assert past.last(kind) == {"a": {"ratio": 3.0}, "b": {"ratio": 1.0}}
    first = json.loads(past.FILE.read_text().splitlines()[0])
    assert set(first) == {"when", "commit", "kind", "rows"}


def test_a_row_that_became_slower_is_marked(monkeypatch, capsys):
    rows = [step_time.row("backprop", "sgd"), step_time.row("fused", "sgd")]
    names = [row.name for row in rows]
    times = [[4.0, 2.0], [6.0, 3.0]]  # seconds of an epoch, of this library and its base
    of_base = [[4.0, 2.0], [5.0, 2.5]]
    found = {
        name: {"first": 30.0, "times": list(both)}
        for name, both in zip(names, zip(times, of_base, strict=True), strict=True)
    }
    result = step_time.summary(rows, found, batches=10)
    assert [result[name]["ratio"] for name in names] == [1.0, 1.5]
    assert [result[name]["change"] for name in names] == pytest.approx([1.0, 1.2])
    assert result[names[1]]["compile"] == pytest.approx(30.0 - 2 * 4.5)
    step_time.show(result, {})
    assert [line.endswith("1.20  SLOWER") for line in capsys.readouterr().out.splitlines()[1:]] == [
        False,
        True,
    ]
    alone = step_time.summary(
        rows, {name: {**found[name], "times": found[name]["times"][:1]} for name in names}, 10
    )
    step_time.show(alone, {names[1]: {"ratio": 1.45}})
    assert "1.03" in capsys.readouterr().out


def test_two_libraries_take_turns_in_processes_of_their_own(tmp_path):
    """A base that is the same library: every request is answered, whichever is asked."""
    rows, sizes = [step_time.row("fused", "sgd")], {**SIZES, "batches": 2}
    backend = keras.backend.backend()
    libraries = [step_time.Library(step_time.ROOT, backend) for _ in range(2)]
    found = step_time.measure(rows, libraries, sizes, 2)
    for library in libraries:
        library.close()
    (one,) = found.values()
    assert one["first"] > 0 and np.shape(one["times"]) == (2, 2)
    assert (np.array(one["times"]) > 0).all()


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="it times JAX")
def test_the_benchmark_for_other_devices_prints_its_table_on_a_processor():
    command = [sys.executable, step_time.ROOT / "benchmarks/step_time_gpu.py", "--platform", "cpu"]
    command += ["--depths", "3", "--units", "4", "--examples", "2", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert {"backprop, rprop", "RAI fused, sgd", "the three products"} <= set(rows)
