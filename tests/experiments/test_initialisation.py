"""The phase diagrams of e04: lattice, regions, and cells that equal the library's plain `fit`."""

from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

import raikeras
from experiments.common.moons import dense_net, moons
from experiments.driver.profiles import script_settings
from experiments.e04_initialisation import lattice
from experiments.e04_initialisation import trainer as phases
from raikeras.initializers import isometric_start

SETTINGS = script_settings(ROOT / "experiments" / "e04_initialisation" / "experiment.py")
TINY = SETTINGS | {"depth": 3, "units": 4, "iterations": 6, "test_examples": 20}
TINY |= {"train_examples": 12, "resolution": 5, "default_rates": [1e-2]}


def grid(*rows):
    return np.array([[mark == "#" for mark in row] for row in rows])


# Lattice


@pytest.mark.parametrize("depth", [3, 30, 100, 300])
def test_the_rules_gain_is_the_default_of_the_start(depth):
    one = dense_net([2] + [3] * depth + [1], "sigmoid")
    two = dense_net([2] + [3] * depth + [1], "sigmoid")
    isometric_start(one, seed=0)
    isometric_start(two, seed=0, gain=lattice.rule_gain(depth))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_axes_are_geometric_with_the_rule_in_the_middle():
    settings = SETTINGS | {"depth": 30, "gain_count": 3, "gain_step": 2.0}
    settings |= {"lowest_rate": 1e-3, "highest_rate": 1e-1, "rate_count": 5}
    gains, rates = lattice.axes(settings)
    np.testing.assert_allclose(gains, [0.625, 1.25, 2.5])
    np.testing.assert_allclose(rates, [1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1], rtol=1e-5)
    settings |= {"target_rate_count": 3, "lowest_target_rate": 1e-4, "highest_target_rate": 1.0}
    targets, same = lattice.axes(settings)
    np.testing.assert_allclose(targets, [1e-4, 1e-2, 1.0])
    assert same == rates


def test_only_cells_beside_which_the_outcome_turns_are_trained_next():
    known = lattice.every_second(5, 5)
    np.testing.assert_array_equal(known, grid("#.#.#", ".....", "#.#.#", ".....", "#.#.#"))
    success = grid("#.#..", ".....", ".....", ".....", ".....")
    wanted = grid("...#.", "####.", ".....", ".....", ".....")
    np.testing.assert_array_equal(lattice.border(success, known), wanted)


def test_cells_not_trained_take_the_outcome_of_their_neighbours():
    known = lattice.every_second(3, 5)
    success = grid("#.#..", ".....", "#.#..")
    border = lattice.border(success, known)
    np.testing.assert_array_equal(border, grid("...#.", "...#.", "...#."))
    success |= grid("...#.", ".....", ".....")  # one of them succeeds
    found = lattice.filled(success, known, known | border)
    np.testing.assert_array_equal(found, grid("####.", "###..", "###.."))


def test_lattice_of_an_even_number_is_refused():
    with pytest.raises(ValueError, match="gain_count=4, rate_count=5"):
        lattice.every_second(4, 5)


def test_regions_of_a_hand_made_grid():
    success = grid("..#..", ".###.", "#....")
    settings = {"gain_step": 2.0, "lowest_rate": 1e-4, "highest_rate": 1e-2, "rate_count": 5}
    settings |= {"target_rate_count": 0}
    found = lattice.regions(success, settings)
    assert found == pytest.approx(
        {"share": 5 / 15, "gain_octaves": 2.0, "rate_decades": 1.5, "rule_decades": 1.5}
    )
    none = lattice.regions(np.zeros((3, 5), bool), settings)
    assert set(none.values()) == {0.0}
    settings |= {"target_rate_count": 3, "lowest_target_rate": 1e-3, "highest_target_rate": 0.1}
    found = lattice.regions(success, settings)
    assert found == pytest.approx(
        {"share": 5 / 15, "rate_decades": 1.5}
        | {"target_rate_decades": 2.0, "narrower_decades": 1.5}
    )


# Cells


def alone(settings, start, rate, target_rate, seed):
    """Logits at the test points and weights of a net trained by `fit`, no sweep, no twin."""
    x, y, x_test, _ = moons(settings)
    net = dense_net([2] + [settings["units"]] * settings["depth"] + [1], "sigmoid")
    steps = settings["iterations"]
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    if settings["method"] == "rai":
        weights = settings["first_weight"], settings["last_weight"]
        model = raikeras.presets.rai_growing(net, steps, loss, weights, rate, target_rate)
    else:
        model = net
        model.compile(raikeras.presets.adam_with_decay(rate, steps), loss)
    if isinstance(start, str):
        phases.default_start(net, start, seed)
    else:
        isometric_start(net, gain=start, seed=seed)
    model.fit(x, y, batch_size=len(x), shuffle=False, epochs=steps, verbose=0)
    return net.predict(x_test, verbose=0)[:, 0]


@pytest.mark.parametrize("method", ["bp", "rai"])
def test_cells_equal_plain_fit_also_in_a_second_call(method):
    settings = TINY | {"method": method}
    trainer = phases.Trainer(settings)
    cells = [
        phases.Cell(1.1, 1e-2, 2e-2),
        phases.Cell(1.3, 3e-2, 2e-3),
        phases.Cell("glorot", 1e-2, 2e-2),
    ]
    trainer.train(cells[:1], seed=5)
    for seed in (6, 7):
        found = trainer.train(cells, seed)
        for cell, one in zip(cells[seed - 6 :: 2], found[seed - 6 :: 2], strict=True):
            expected = alone(settings, *cell, seed)
            np.testing.assert_allclose(one.logits[12:32], expected, atol=2e-4, rtol=2e-4)
    x, y, x_test, y_test = moons(settings)
    right = (found[0].logits[12:32] > 0) == (y_test[:, 0] > 0.5)
    assert found[0].test_accuracy == right.mean()
    chance = 1 / (1 + np.exp(-found[0].logits[:12].astype("float64")))
    entropy = -np.mean(np.where(y[:, 0] > 0.5, np.log(chance), np.log(1 - chance)))
    assert found[0].train_loss == pytest.approx(entropy, rel=1e-4)


def test_default_starts_have_the_frameworks_bounds():
    net = dense_net([2, 50, 50, 1], "sigmoid")
    layer = net.layers[1]
    phases.default_start(net, "glorot", 0)
    kernel, bias = layer.get_weights()
    assert 0.9 * 0.06**0.5 < np.abs(kernel).max() <= 0.06**0.5
    assert not bias.any()
    phases.default_start(net, "uniform", 0)
    kernel, bias = layer.get_weights()
    assert 0.9 * 0.02**0.5 < np.abs(kernel).max() <= 0.02**0.5
    assert 0.5 * 0.02**0.5 < np.abs(bias).max() <= 0.02**0.5


def test_a_run_takes_the_successful_cell_of_lowest_training_loss():
    class Made:
        """Networks that succeed at rates up to 0.01 at the rule's gain, best at 0.001."""

        def train(self, cells, seed):
            good = [cell.start == 1.25 and cell.rate <= 0.011 for cell in cells]
            return [
                phases.Trained(
                    np.full(57, np.nan if cell.rate > 5 else np.float32(cell.rate)),
                    0.99 if well else 0.5,
                    abs(np.log10(cell.rate) + 3),
                )
                for cell, well in zip(cells, good, strict=True)
            ]

    settings = TINY | {"gain_count": 5, "wanted": 0.95}
    run = {"settings": settings, "seed": 0, "started": 0.0, "printed": 1e99}
    metrics, curves, landscape = phases.measured(run, Made())
    assert (metrics["chosen_gain"], metrics["chosen_rate"]) == (1.25, 0.001)
    assert metrics["rule_decades"] == metrics["rate_decades"] == pytest.approx(3.5)
    assert metrics["glorot_accuracy"] == 0.5
    assert metrics["cells_disagreement"] == 0.0
    assert metrics["lost_cells"] == 3  # the highest rate at every second gain
    assert np.shape(curves["success"]) == np.shape(curves["accuracy"]) == (5, 13)
    assert len(landscape["permille"]) == 25
    none = phases.measured(run | {"settings": settings | {"wanted": 1.1}}, Made())
    assert none[2] is None and none[0]["chosen_gain"] is None and none[0]["share"] == 0


def test_both_rates_are_scanned_at_the_rules_gain():
    asked = []

    class Made:
        def train(self, cells, seed):
            asked.extend(cells)
            return [phases.Trained(np.zeros(57), 0.99, 0.1) for _ in cells]

    settings = TINY | {"target_rate_count": 3, "default_rates": [], "rate_count": 3}
    run = {"settings": settings, "seed": 0, "started": 0.0, "printed": 1e99}
    metrics, curves, _ = phases.measured(run, Made())
    assert {cell.start for cell in asked} == {lattice.rule_gain(3)}
    assert {cell.target_rate for cell in asked} == {2.9e-5, 29.0}
    assert metrics["chosen_target_rate"] in curves["target_rates"]
    assert metrics["narrower_decades"] == pytest.approx(9.0)  # three lines, three decades apart


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method='rprop'"):
        phases.Trainer(TINY | {"method": "rprop"})
