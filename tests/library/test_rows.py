"""Row rules and the store: each rule is the stock optimizer, row by row; other rows stay."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from references import RpropReference

import raikeras
from raikeras.rows.layout import Group
from raikeras.rows.rules import row_rule
from raikeras.rows.storage import Store
from raikeras.rows.table import written_if

ROWS, UNITS, STEPS = 6, 3, 8
GROUPS = [Group((0,), ((UNITS,),), False)]
SGD, RMSprop, Adam, AdamW = (
    getattr(keras.optimizers, name) for name in ("SGD", "RMSprop", "Adam", "AdamW")
)
CASES = {
    "sgd": lambda rate: SGD(rate),
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "nesterov": lambda rate: SGD(rate, momentum=0.8, nesterov=True),
    "rmsprop": lambda rate: RMSprop(rate, rho=0.8),
    "rmsprop momentum": lambda rate: RMSprop(rate, momentum=0.5),
    "rmsprop centered": lambda rate: RMSprop(rate, centered=True),
    "rmsprop both": lambda rate: RMSprop(rate, momentum=0.5, centered=True, epsilon=1e-3),
    "adam": lambda rate: Adam(rate),
    "adam own betas": lambda rate: Adam(rate, beta_1=0.5, beta_2=0.9, epsilon=1e-4),
}


def make_store(optimizer, rows=ROWS, seed=0):
    store = Store(rows, GROUPS, "float32", row_rule(optimizer))
    start = np.random.default_rng(seed).normal(size=(rows, UNITS)).astype("float32")
    store.tables["targets/0"].assign(start)
    return store, start


def move(store, ids, gradient, rate):
    ids = np.asarray(ids, "int32")
    gradient = ops.convert_to_tensor(np.asarray(gradient, "float32"))
    store.step(ids, store.gather(ids), [gradient], rate)


def tables(store):
    return {key: np.array(ops.convert_to_numpy(table)) for key, table in store.tables.items()}


def random_gradients(seed=1, steps=STEPS, rows=ROWS):
    return np.random.default_rng(seed).normal(size=(steps, rows, UNITS)).astype("float32")


def stock_path(optimizer, start, gradients):
    """Where a stock optimizer takes one plain variable."""
    variable = keras.Variable(start)
    for gradient in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return ops.convert_to_numpy(variable)


@pytest.mark.parametrize("name", CASES)
def test_rule_is_the_stock_optimizer(name):
    gradients = random_gradients()
    store, start = make_store(CASES[name](0.1))
    for gradient in gradients:
        move(store, np.arange(ROWS), gradient, 0.1)
    expected = stock_path(CASES[name](0.1), start, gradients)
    assert np.abs(expected - start).max() > 0.1
    np.testing.assert_allclose(tables(store)["targets/0"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_learned_reads_the_rate_schedule_at_the_compiled_step_count(name):
    gradients = random_gradients()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.2, 3, 0.5)
    learned, compiled = raikeras.Learned(optimizer=CASES[name](schedule)), SGD(99.0)
    weight = keras.Variable(np.zeros(2, "float32"))
    store, start = make_store(learned.optimizer)
    for gradient in gradients:
        move(store, np.arange(ROWS), gradient, learned.learning_rate(compiled, compiled.iterations))
        compiled.apply([ops.zeros(2)], [weight])
    expected = stock_path(CASES[name](schedule), start, gradients)
    np.testing.assert_allclose(tables(store)["targets/0"], expected, rtol=1e-5, atol=1e-6)


def test_rule_of_adamw_is_adam_for_targets_do_not_decay():
    gradients = random_gradients()
    store, start = make_store(AdamW(0.1, weight_decay=0.3))
    for gradient in gradients:
        move(store, np.arange(ROWS), gradient, 0.1)
    expected = stock_path(Adam(0.1), start, gradients)
    np.testing.assert_allclose(tables(store)["targets/0"], expected, rtol=1e-5, atol=1e-6)


def test_rule_of_rprop_is_the_numpy_reference():
    gradients = random_gradients(steps=20)
    gradients[:5] = gradients[0]  # a run of one sign, so that step sizes reach both bounds
    optimizer = raikeras.optimizers.Rprop(0.1, max_step_size=0.15, min_step_size=0.02)
    store, start = make_store(optimizer)
    reference, highest = RpropReference(start, 0.1, high=0.15, low=0.02), 0
    for gradient in gradients:
        move(store, np.arange(ROWS), gradient, 0.1)
        reference.step(gradient)
        highest = max(highest, reference.step_sizes.max())
    np.testing.assert_allclose(tables(store)["targets/0"], reference.value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tables(store)["slot/step_size/0"], reference.step_sizes, rtol=1e-5)
    assert reference.step_sizes.min() == 0.02 and highest == 0.15


ALL = {**CASES, "adamw": lambda rate: AdamW(rate), "rprop": raikeras.optimizers.Rprop}


@pytest.mark.parametrize("name", ALL)
def test_rows_not_in_the_batch_do_not_move(name):
    gradients = random_gradients()
    store, _ = make_store(ALL[name](0.1))
    for gradient in gradients[:3]:  # momentum and statistics that would go on moving
        move(store, np.arange(ROWS), gradient, 0.1)
    before = tables(store)
    for gradient in gradients[3:]:
        move(store, [4, 1], gradient[:2], 0.1)
    after = tables(store)
    for key in before:
        np.testing.assert_array_equal(after[key][[0, 2, 3, 5]], before[key][[0, 2, 3, 5]])
    assert (after["targets/0"][[1, 4]] != before["targets/0"][[1, 4]]).all()
    np.testing.assert_array_equal(after["age"][:, 0], [3, 8, 3, 3, 8, 3])


@pytest.mark.parametrize("name", ALL)
def test_a_row_depends_on_its_own_updates_alone(name):
    """A row that joins late, with gaps, moves as if it were alone: Adam's count is its own."""
    gradients = random_gradients()
    crowd, start = make_store(ALL[name](0.1))
    alone = Store(1, GROUPS, "float32", row_rule(ALL[name](0.1)))
    alone.tables["targets/0"].assign(start[2:3])
    for step, gradient in enumerate(gradients):
        ids = [0, 2, 5] if step in (3, 4, 7) else [0, 5]
        move(crowd, ids, gradient[: len(ids)], 0.1)
        if 2 in ids:
            move(alone, [0], gradient[1:2], 0.1)
    for key, table in tables(alone).items():
        np.testing.assert_allclose(tables(crowd)[key][2:3], table, rtol=1e-6, atol=1e-7)


def test_adam_bias_correction_of_a_late_row_is_that_of_a_fresh_stock_optimizer():
    gradients = random_gradients()
    store, start = make_store(Adam(0.1))
    for gradient in gradients[:5]:
        move(store, [0, 1], gradient[:2], 0.1)
    for gradient in gradients[5:]:
        move(store, [0, 3], gradient[:2], 0.1)
    expected = stock_path(Adam(0.1), start[3], gradients[5:, 1])
    np.testing.assert_allclose(tables(store)["targets/0"][3], expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(order=st.permutations(range(4)), name=st.sampled_from(sorted(ALL)))
def test_permuting_a_batch_permutes_the_result(order, name):
    ids, gradients = np.array([5, 0, 3, 1]), random_gradients(steps=3)[:, :4]
    plain, _ = make_store(ALL[name](0.1))
    permuted, _ = make_store(ALL[name](0.1))
    for gradient in gradients:
        move(plain, ids, gradient, 0.1)
        move(permuted, ids[list(order)], gradient[list(order)], 0.1)
    for key, table in tables(plain).items():
        np.testing.assert_array_equal(tables(permuted)[key], table)


@settings(max_examples=5, deadline=None, derandomize=True)
@given(ids=st.lists(st.integers(0, ROWS - 1), min_size=1, unique=True))
def test_gather_returns_the_rows_asked_for(ids):
    store, start = make_store(SGD(0.1, momentum=0.9))
    gathered = store.gather(np.asarray(ids, "int32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(gathered["targets"][0]), start[ids])
    assert set(gathered) == {"targets", "age", "slot/momentum"}


def test_another_rule_keeps_the_rows_and_starts_its_slots_afresh():
    store, _ = make_store(Adam(0.1))
    move(store, [0, 1], random_gradients()[0, :2], 0.1)
    before = tables(store)
    store.use(GROUPS, row_rule(SGD(0.1, momentum=0.5)))
    after = tables(store)
    assert set(after) == {"targets/0", "age", "slot/momentum/0"}
    np.testing.assert_array_equal(after["targets/0"], before["targets/0"])
    np.testing.assert_array_equal(after["age"], before["age"])
    assert not after["slot/momentum/0"].any()


def test_bfloat16_rows_follow_adam():
    """beta_2 = .999 is 1 in bfloat16: the arithmetic must not be done in the rows' dtype."""
    store = Store(1, GROUPS, "bfloat16", row_rule(Adam(0.05)))
    for _ in range(20):
        move(store, [0], np.ones((1, UNITS)), 0.05)
    expected = stock_path(Adam(0.05), np.zeros((1, UNITS), "float32"), np.ones((20, 1, UNITS)))
    moved = ops.convert_to_numpy(ops.cast(store.tables["targets/0"], "float32"))
    np.testing.assert_allclose(moved, expected, rtol=0.05)


@pytest.mark.parametrize("optimizer", ["Adagrad", "Lion", "Nadam", "Ftrl"])
def test_an_optimizer_without_a_rule_names_the_way_out(optimizer):
    with pytest.raises(ValueError, match=rf"Received: optimizer={optimizer}.*Learned\(optimizer="):
        row_rule(getattr(keras.optimizers, optimizer)())


def test_a_subclass_is_no_known_rule():
    class MyAdam(Adam):
        pass

    with pytest.raises(ValueError, match="MyAdam"):
        row_rule(MyAdam())


@pytest.mark.parametrize(
    "setting",
    [{"clipnorm": 1.0}, {"clipvalue": 0.5}, {"global_clipnorm": 1.0}, {"use_ema": True}]
    + [{"amsgrad": True}, {"gradient_accumulation_steps": 2}, {"loss_scale_factor": 8.0}],
    ids=lambda setting: next(iter(setting)),
)
def test_a_setting_that_would_not_reach_the_rows_is_refused_by_name(setting):
    with pytest.raises(ValueError, match=f"{next(iter(setting))}"):
        raikeras.Learned(optimizer=Adam(0.1, **setting))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"num_examples": 0}, "num_examples=0"),
        ({"num_examples": 2.5}, "num_examples=2.5"),
        ({"num_examples": "many"}, "num_examples"),
        ({"refresh_every": 0}, "refresh_every=0"),
        ({"dtype": "int32"}, "dtype"),
        ({"dtype": "foo"}, "dtype"),
    ],
)
def test_a_bad_setting_of_learned_is_named(settings, words):
    with pytest.raises(ValueError, match=f"`{next(iter(settings))}`.*{words}"):
        raikeras.Learned(**settings)


def test_learned_survives_its_config():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 7)
    learned = raikeras.Learned(9, Adam(schedule, beta_1=0.7), refresh_every=3, dtype="float32")
    again = raikeras.Learned.from_config(learned.get_config())
    assert again.get_config() == learned.get_config()
    assert row_rule(again.optimizer).name == row_rule(learned.optimizer).name


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_ids_of_any_dtype_are_beyond_the_table_where_no_row_is_to_be_written(dtype):
    ids = ops.convert_to_tensor(np.arange(256), dtype)
    written = [ops.convert_to_numpy(written_if(flag, ids, 256)) for flag in (True, False)]
    np.testing.assert_array_equal(written[0], np.arange(256))
    assert (written[1] == 256).all()
