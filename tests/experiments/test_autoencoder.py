"""The autoencoder experiments: their images, loss, schedules, methods, search and settings."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
import raikeras
from experiments.common import autoencoder
from experiments.driver import profiles
from experiments.e10_autoencoder import search
from report.lib.search import best, read

TINY = {"dataset": "digits", "hidden_units": [16, 12], "code_units": 4, "batch_size": 200}
BASE = search.defaults() | TINY | {"epochs": 1}
PROFILES = {name: entry for name, (_, entry) in profiles.read(ROOT).items()}


# Images


@pytest.fixture
def made_up_faces(monkeypatch):
    """400 images of 64 x 64, each as bright as its person's number."""
    who = np.repeat(np.arange(40, dtype="uint8"), 10)
    images = np.broadcast_to(who[:, None, None], (400, 64, 64))
    monkeypatch.setattr(raikeras.datasets, "olivetti", lambda: (images, who))


def test_no_face_is_in_both_parts(made_up_faces):
    train, test = autoencoder.faces()
    assert train.shape == (300, 625) and test.shape == (100, 625)
    np.testing.assert_allclose(train[:, 0] * 255, np.repeat(np.arange(30), 10), atol=1e-4)
    np.testing.assert_allclose(test[:, 300] * 255, np.repeat(np.arange(30, 40), 10), atol=1e-4)


def test_held_out_images_come_from_the_training_data_alone(made_up_faces):
    for dataset, count in (("olivetti", 100), ("digits", 300)):
        settings = BASE | {"dataset": dataset}
        everything, _ = autoencoder.pixels(settings)
        train, held = autoencoder.pixels(settings | {"held_out": count, "train_examples": 150})
        np.testing.assert_array_equal(train, everything[:150])
        np.testing.assert_array_equal(held, everything[-count:])
        assert train.dtype == np.float32


def test_curves_are_the_same_each_time_and_within_zero_and_one():
    train, test = autoencoder.curves(train=30, test=10, chunk=16)
    again, _ = autoencoder.curves(train=40, test=0, chunk=7)
    np.testing.assert_allclose(np.vstack([train, test]), again, atol=1e-6)
    assert train.min() >= 0 and train.max() <= 1
    assert (again.max(axis=1) > 0.9).all()  # no image is empty


def test_ink_of_a_straight_line_is_the_profile_of_the_pen():
    ends = np.float32([[[[4, 10]]], [[[10, 10]]], [[[16, 10]]], [[[22, 10]]]])
    t = ((np.arange(60, dtype="float32") + 0.5) / 60)[:, None]
    (ink,) = autoencoder._ink(tuple(ends), t, size=28, thickness=0.8)
    profile = np.exp(-(((np.arange(28) - 10) / 0.8) ** 2) / 2)
    np.testing.assert_allclose(ink[:, 13], profile, atol=1e-4)


# Loss and judgement


def test_loss_is_the_sum_over_pixels_and_the_judge_is_the_deployed_network():
    data = autoencoder.pixels(BASE)
    keras.utils.set_random_seed(0)
    net = autoencoder.network(64, BASE)
    made = net.predict(data[1], verbose=0).astype("float64")
    nats = -(data[1] * np.log(made) + (1 - data[1]) * np.log1p(-made)).sum(axis=1)
    rows = autoencoder.judge(net).predict(data[1], verbose=0)
    np.testing.assert_allclose(rows[:, 0], nats, rtol=1e-5)
    np.testing.assert_allclose(rows[:, 1], ((made - data[1]) ** 2).mean(axis=1), rtol=1e-4)
    loss = autoencoder.PixelEntropy()(data[1], made.astype("float32"))
    assert float(loss) == pytest.approx(nats.mean(), rel=1e-5)


def test_net_is_mirrored_with_a_linear_code_and_every_start_of_its_own():
    keras.utils.set_random_seed(0)
    net = autoencoder.network(64, BASE | {"hidden_units": [16, 16]})
    assert [layer.units for layer in net.layers] == [16, 16, 4, 16, 16, 64]
    names = [layer.activation.__name__ for layer in net.layers]
    assert names == ["tanh", "tanh", "linear", "tanh", "tanh", "sigmoid"]
    biases = [keras.ops.convert_to_numpy(net.layers[k].bias) for k in (0, 1, 3, 4)]
    assert all(np.abs(bias).max() > 0.1 for bias in biases)  # glorot_uniform, not zero
    assert len({bias[0] for bias in biases}) == 4


# Schedules


def rates(schedule, steps):
    return np.array(
        [float(schedule(keras.ops.convert_to_tensor(k, "int32"))) for k in range(steps)]
    )


def test_linear_schedule_rises_over_a_twentieth_and_falls_to_zero_after_the_end():
    found = rates(autoencoder.Linear(2.0, 100), 100)
    np.testing.assert_allclose(found[:5], 2.0 * np.arange(1, 6) / 5, rtol=1e-6)
    np.testing.assert_allclose(found[4:], 2.0 * (100 - np.arange(4, 100)) / 96, rtol=1e-5)
    assert rates(autoencoder.Linear(2.0, 5), 5).min() > 0  # a run of few steps moves from the start


def test_notebook_schedule_is_the_published_one_by_epochs_and_its_shape_when_squeezed():
    epochs = np.arange(99)
    published = np.where(epochs < 5, epochs / 5, 1 - (epochs + 1 - 5) / 95)
    found = rates(autoencoder.Notebook(1.0, 99 * 3), 99 * 3)
    np.testing.assert_allclose(found, np.repeat(published, 3), atol=1e-6)
    squeezed = rates(autoencoder.Notebook(1.0, 33), 33)
    np.testing.assert_allclose(squeezed, published[::3], atol=1e-6)


# Methods


TRAINED = ("muon", "locoprop_s", "locoprop_s_closed", "locoprop_m", "inferred", "notebook_bp")


@pytest.mark.parametrize("variant", PROFILES["e10_mnist"]["variants"])
def test_every_variant_can_be_compiled(variant):
    settings = BASE | PROFILES["e10_mnist"]["variants"][variant]
    assert autoencoder.method(autoencoder.network(64, settings), settings, 10).compiled


@pytest.mark.parametrize("variant", TRAINED)
def test_variant_trains_and_reports_the_deployed_network(variant):
    settings = BASE | PROFILES["e10_mnist"]["variants"][variant] | {"train_examples": 400}
    keras.utils.set_random_seed(0)
    data = autoencoder.pixels(settings)
    net = autoencoder.network(64, settings)
    run = {"variant": variant, "seed": 0, "settings": settings, "printed": math.inf}
    metrics, curves, status = autoencoder.train(run, net, data)
    assert status == "ok" and metrics["iterations"] == 2
    assert len({len(values) for values in curves.values()}) == 1
    loss, error = autoencoder.judge(net).predict(data[1], verbose=0).mean(axis=0)
    assert metrics["test_loss"] == pytest.approx(loss, rel=1e-4)
    assert metrics["test_error"] == pytest.approx(error, rel=1e-3, abs=1e-5)
    moved = curves["train_loss"][0] != curves["train_loss"][-1]
    assert moved or variant == "notebook_bp"  # whose rate is tiny for the first two steps
    kept = autoencoder.reconstructions(net, data[1], 8)
    assert np.shape(kept["originals"]) == np.shape(kept["reconstructions"]) == (8, 64)


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match="sgd, .*inferred. Received: method='none'"):
        autoencoder.method(autoencoder.network(64, BASE), BASE | {"method": "none"}, 1)


# Search


def test_every_method_has_as_many_trials():
    for dataset in search.SETS:
        for variant in search.METHODS:
            made = search.trials(dataset, variant)
            assert len({str(one) for one in made}) == 8
            assert all(set(one) <= set(BASE) for one in made)


def test_search_appends_each_trial_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    out, tried = tmp_path / "trials.toml", []

    def attempt(settings):
        tried.append(settings["learning_rate"])
        if len(tried) == 3:
            raise KeyboardInterrupt
        return (math.inf if settings["learning_rate"] > 0.02 else 100.0), 1.0

    monkeypatch.setattr(search, "attempt", attempt)
    with pytest.raises(KeyboardInterrupt):
        search.search("mnist", "adam", BASE, out)
    assert len(search.made(out)) == 2
    found = search.search("mnist", "adam", BASE, out)
    assert tried == [*search.RATES["adam"][:3], *search.RATES["adam"][2:]]
    assert found == search.made(out) and len(found) == 8
    assert found[-1]["loss"] == math.inf
    assert search.search("mnist", "adam", BASE, out) == found and len(tried) == 9


def test_a_trial_is_judged_on_held_out_images():
    settings = BASE | {"train_examples": 400, "held_out": 200, "learning_rate": 1e-2}
    loss, seconds = search.attempt(settings)
    assert 20 < loss < 50 and seconds > 0


@pytest.mark.parametrize("experiment", [name for name, _ in search.SETS.values()])
def test_profiles_have_the_best_trial_of_each_method_that_was_searched(experiment):
    dataset = next(key for key, (name, _) in search.SETS.items() if name == experiment)
    variants = PROFILES[experiment]["variants"]
    for variant, tried in read(search.OUT, experiment).items():
        wanted = search.trials(dataset, variant)
        assert [one["settings"] for one in tried] == wanted[: len(tried)]
        if len(tried) == len(wanted):
            assert variants[variant] == best(tried)["settings"], variant


def test_fashion_has_the_settings_of_mnist():
    for variant, settings in PROFILES["e10_fashion"]["variants"].items():
        assert settings == PROFILES["e10_mnist"]["variants"][variant]
