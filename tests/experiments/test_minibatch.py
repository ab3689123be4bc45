"""The mini-batch experiment: its data, its order of examples, its search and its settings."""

from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
from experiments.common import minibatch
from experiments.driver import profiles
from experiments.e07_minibatch import methods
from experiments.e07_minibatch import search as search_minibatch
from report.lib import search

BASE = search_minibatch.defaults() | {"dataset": "digits"}


def test_held_out_examples_come_from_the_training_data_alone():
    everything = minibatch.images(BASE)
    held = minibatch.images(BASE | {"held_out": 300, "train_examples": 1000})
    np.testing.assert_array_equal(held[0], everything[0][:1000])
    np.testing.assert_array_equal(held[2], everything[0][-300:])
    np.testing.assert_array_equal(held[3], everything[1][-300:])
    assert everything[0].min() == 0 and everything[0].max() == 1
    assert [part.dtype.name for part in held] == ["float32", "int32"] * 2


def test_batches_show_each_example_once_an_epoch_and_repeat_in_a_row():
    x, y = np.arange(10.0)[:, None], np.arange(10)
    batches = minibatch.Batches(x, y, 3, repeats=2, seed=0, ids=True)
    orders = []
    for _ in range(2):
        shown = [batches[index] for index in range(len(batches))]
        for (inputs, labels), (again, _) in zip(shown[::2], shown[1::2], strict=True):
            np.testing.assert_array_equal(inputs["example_id"], again["example_id"])
            np.testing.assert_array_equal(inputs["inputs"][:, 0], inputs["example_id"])
            np.testing.assert_array_equal(labels, inputs["example_id"])
        orders.append(np.concatenate([inputs["example_id"] for inputs, _ in shown[::2]]).tolist())
        assert len(set(orders[-1])) == 9  # the last short batch is left out
        batches.on_epoch_end()
    assert orders[0] != orders[1]


def test_step_of_the_rows_removes_the_stated_share_of_a_mismatch():
    """Without a task gradient a row moves by `target_rate` of its way to the layer's own value."""
    settings = BASE | {"method": "learned", "hidden_units": [5, 5], "batch_size": 4}
    settings |= {"hidden_weight": 2.0, "last_weight": 8.0, "target_rate": 0.25}
    rule = methods.target_rule(settings, steps=10, num_examples=4)
    weight = methods.growth(settings, steps=10)
    for step in (0, 4, 9):
        count = keras.ops.convert_to_tensor(step, "float32")
        rate = float(keras.optimizers.schedules.deserialize(rule.optimizer.get_config()
                     ["learning_rate"])(count))  # fmt: skip
        # d/dt of weight * mean over 4 examples and 5 units of (t - own)^2, at t - own = 1
        gradient = float(weight(count)) * 2 / (4 * 5)
        assert rate * gradient == pytest.approx(0.25, rel=1e-5)


def test_every_variant_had_as_many_trials_and_runs_with_the_best():
    variants = profiles.read(ROOT)["e07_minibatch"][1]["variants"]
    made = search.read(search_minibatch.OUT)
    assert list(made) == list(variants) == list(search_minibatch.TRIALS)
    assert len({len(tried) for tried in made.values()}) == 1
    for variant, tried in made.items():
        assert [one["settings"] for one in tried] == search_minibatch.TRIALS[variant]
        best = BASE | search.best(tried)["settings"]
        assert best == BASE | variants[variant], variant
