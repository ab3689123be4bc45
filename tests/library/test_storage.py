"""Where rows are kept, what they cost, and ids that repeat: the same numbers everywhere."""

import os
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops
from tf_streams import TF_DATA, tf_dataset

import raikeras
from raikeras.data import with_ids
from raikeras.rows import capacity
from raikeras.rows.layout import Group
from raikeras.rows.rules import row_rule
from raikeras.rows.storage import Store
from raikeras.rows.table import MAGIC

ROWS, UNITS = 9, 4
GROUPS = [Group((0,), ((UNITS,),), False)]
SGD, RMSprop, Adam = (getattr(keras.optimizers, name) for name in ("SGD", "RMSprop", "Adam"))
RULES = {
    "sgd": lambda: SGD(0.1),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: RMSprop(0.1, momentum=0.5, centered=True),
    "adam": lambda: Adam(0.1),
    "rprop": lambda: raikeras.optimizers.Rprop(0.1),
}
STORAGES = ("device", "host", "path")
# Rows on the host keep XLA from TensorFlow's steps; on JAX the steps would not be compiled at all.
COMPILED = {"jit_compile": keras.backend.backend() == "jax"}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(13, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
IDS = np.arange(13, dtype="int32")


@pytest.fixture
def place(tmp_path):
    """Turns the name of a storage into its setting."""
    return lambda name: str(tmp_path / "table.rows") if name == "path" else name


def make_store(optimizer, storage, dtype="float32"):
    store = Store(ROWS, GROUPS, dtype, row_rule(optimizer), storage)
    start = np.random.default_rng(1).normal(size=(ROWS, UNITS))
    store.write("targets/0", np.arange(ROWS), start.astype(np.dtype(dtype)))
    return store


def tables(store):
    return {key: store.read(key, np.arange(ROWS)) for key in store.tables}


def move(store, ids, gradient):
    ids = np.asarray(ids, "int32")
    store.step(ids, store.gather(ids), [ops.convert_to_tensor(gradient)], 0.1)


def gradients(steps, count):
    return np.random.default_rng(2).normal(size=(steps, count, UNITS)).astype("float32")


def make_model(storage="device", jit_compile="auto", targets=None, optimizer=None, **settings):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, "sigmoid")]
    )
    rule = Adam(0.05) if optimizer is None else optimizer
    targets = targets or raikeras.Learned(13, rule, storage=storage)
    model = raikeras.RelaxedModel(net, targets=targets)
    model.compile(SGD(0.5), "binary_crossentropy", jit_compile=jit_compile, **settings)
    return model


def trained(model, **settings):
    model.fit(X, Y, **{"batch_size": 5, "epochs": 3, "shuffle": False, "verbose": 0, **settings})
    rows = {key: model.store.read(key, IDS) for key in model.store.tables}
    return rows | {str(number): weight for number, weight in enumerate(model.get_weights())}


def assert_same(ours, theirs):
    assert set(ours) == set(theirs)
    for key, array in ours.items():
        np.testing.assert_array_equal(array, theirs[key], err_msg=key)


# Storage


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("rule", RULES)
def test_rows_and_slots_outside_the_batch_stay_bit_for_bit(rule, storage, dtype, place):
    store = make_store(RULES[rule](), place(storage), dtype)
    for gradient in gradients(2, ROWS):
        move(store, np.arange(ROWS), gradient)
    before = tables(store)
    for gradient in gradients(3, 3):
        move(store, [7, 2, 4], gradient)
    after, rest = tables(store), [0, 1, 3, 5, 6, 8]
    for key, array in before.items():
        np.testing.assert_array_equal(after[key][rest], array[rest], err_msg=key)
    moved = (after["targets/0"] != before["targets/0"])[[2, 4, 7]]
    assert moved.mean() > (0.5 if dtype == "bfloat16" or rule == "rprop" else 0.99)
    np.testing.assert_array_equal(after["age"][:, 0], [2, 2, 5, 2, 5, 2, 2, 5, 2])


@pytest.mark.parametrize("steps", [1] if keras.backend.backend() == "torch" else [1, 2])
@pytest.mark.parametrize("storage", ["host", "path"])
def test_training_gives_the_numbers_of_the_device(storage, steps, place):
    settings = {**COMPILED, "steps_per_execution": steps}
    expected = trained(make_model(**settings))
    model = make_model(place(storage), **settings)
    rows = trained(model)
    assert_same(rows, expected)
    assert not any(v.shape == (13, 5) for v in model.variables)
    assert rows["age"].ravel().tolist() == [3] * 13


def test_steps_without_a_compiler_give_them_too():
    compiled = trained(make_model("host", **COMPILED))
    plain = trained(make_model("host", jit_compile=False, run_eagerly=True))
    for key, array in compiled.items():
        np.testing.assert_allclose(plain[key], array, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("storage", STORAGES)
def test_bfloat16_rows_train_wherever_they_are(storage, place):
    targets = raikeras.Learned(13, Adam(0.05), dtype="bfloat16", storage=place(storage))
    rows = trained(make_model(targets=targets, **COMPILED))
    wide = trained(make_model(**COMPILED))
    assert rows["targets/0"].dtype.name == "bfloat16"
    apart = np.abs(rows["targets/0"].astype("float32") - wide["targets/0"])
    # Three steps of 0.05; Adam may turn where a gradient is next to nothing.
    assert apart.mean() < 0.005


def test_rows_on_the_host_are_written_when_fit_returns():
    """JAX returns before its callbacks have run."""
    model = make_model("host", **COMPILED)
    for epochs in range(1, 6):
        model.fit(X, Y, batch_size=13, verbose=0)
        assert (model.store.read("age", IDS) == epochs).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles callbacks")
def test_xla_on_tensorflow_is_refused_for_rows_on_the_host():
    model = make_model("host", jit_compile=True)
    with pytest.raises(ValueError, match="jit_compile=False.*Received: storage='host'"):
        model.fit(X, Y, verbose=0)
    assert model.store is None


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow does not wait for itself")
def test_jax_on_one_core_is_refused_before_it_waits_for_itself(monkeypatch):
    from raikeras.backend import jax as steps

    monkeypatch.setattr(steps, "usable_cores", lambda: 1)
    with pytest.raises(ValueError, match="NPROC=2.*Received: storage='host'"):
        make_model("host").fit(X, Y, verbose=0)
    monkeypatch.setenv("NPROC", "2")
    make_model("host").fit(X, Y, verbose=0)


@pytest.fixture(scope="module")
def eager_rows():
    """What training without a compiler makes of the rows."""
    return trained(make_model(jit_compile=False, run_eagerly=True))["targets/0"]


@pytest.mark.parametrize("kind", ["arrays", TF_DATA])
@pytest.mark.parametrize("jit_compile", [True, False])
def test_compiled_or_not_steps_train_the_same_rows(jit_compile, kind, eager_rows):
    model = make_model(jit_compile=jit_compile)
    if kind == "arrays":
        trained(model)
    else:
        stream = with_ids(tf_dataset((X, Y))).batch(5)
        model.fit(stream, epochs=3, shuffle=False, verbose=0)
    rows = model.store.read("targets/0", IDS)
    np.testing.assert_allclose(rows, eager_rows, rtol=1e-4, atol=1e-5)


def test_another_optimizer_gets_slots_of_its_own_in_the_file(tmp_path):
    path = tmp_path / "table.rows"
    store = make_store(Adam(0.1), str(path))
    move(store, [1, 2], gradients(1, 2)[0])
    before, large = tables(store), path.stat().st_size
    store.use(GROUPS, row_rule(SGD(0.1)))
    assert path.stat().st_size < large
    store.use(GROUPS, row_rule(RMSprop(0.1)))
    after = tables(store)
    np.testing.assert_array_equal(after["targets/0"], before["targets/0"])
    np.testing.assert_array_equal(after["age"], before["age"])
    assert (
        set(after) == {"targets/0", "age", "slot/velocity/0"} and not after["slot/velocity/0"].any()
    )


def test_a_file_has_its_full_size_from_the_start_and_a_second_training_leaves_the_first(tmp_path):
    path = tmp_path / "table.rows"
    first = make_store(Adam(0.1), str(path))
    assert path.stat().st_size >= 3 * ROWS * UNITS * 4
    before = tables(first)
    second = make_store(SGD(0.1), str(path))
    move(second, [0], gradients(1, 1)[0])
    assert_same(tables(first), before)
    assert path.read_bytes().startswith(MAGIC) and len(os.listdir(tmp_path)) == 1


def test_a_file_of_the_users_is_not_overwritten(tmp_path):
    path = tmp_path / "thesis.bin"
    path.write_bytes(b"years of work")
    with pytest.raises(FileExistsError, match="thesis.bin"):
        make_store(SGD(0.1), str(path))
    assert path.read_bytes() == b"years of work"


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    model = make_model(tmp_path / "nowhere" / "table.rows", **COMPILED)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.fit(X, Y, verbose=0)
    assert model.store is None


@pytest.mark.parametrize("storage", ["hots", "", 3, None])
def test_a_storage_that_is_none_is_refused(storage):
    with pytest.raises(ValueError, match="`storage` must be"):
        raikeras.Learned(storage=storage)


def test_storage_survives_the_config(tmp_path):
    for storage in ("host", tmp_path / "table.rows"):
        learned = raikeras.Learned(9, storage=storage)
        again = raikeras.Learned.from_config(learned.get_config())
        assert again.storage == str(storage)


# Memory


@pytest.mark.parametrize(
    ("optimizer", "row_slots", "scalar_slots"), [("sgd", 0, 0), ("rmsprop", 1, 0), ("adam", 2, 1)]
)
@pytest.mark.parametrize(("dtype", "width"), [(None, 4), ("bfloat16", 2)])
def test_bytes_are_known_before_there_are_rows(optimizer, row_slots, scalar_slots, dtype, width):
    targets = raikeras.Learned(optimizer=optimizer, dtype=dtype)
    model = make_model(targets=targets, **COMPILED)
    each = 5 * width * (1 + row_slots) + 4 + 4 * scalar_slots
    assert model.store_bytes(10**9) == each * 10**9
    with pytest.raises(ValueError, match="num_examples=None"):
        model.store_bytes()
    model.fit(X, Y, verbose=0)
    kept = model.store.tables.values()
    taken = sum(np.prod(t.shape) * np.dtype(t.dtype).itemsize for t in kept)
    assert model.store_bytes() == taken == 13 * each


@pytest.mark.parametrize("storage", STORAGES)
def test_rows_that_do_not_fit_are_refused_with_the_ways_out(storage, place, monkeypatch):
    monkeypatch.setattr(capacity, "host_memory", lambda: 700)
    monkeypatch.setattr(capacity.shutil, "disk_usage", lambda path: SimpleNamespace(free=700))
    model = make_model(place(storage), **COMPILED)
    need = f"{model.store_bytes():,}"
    with pytest.raises(MemoryError, match=rf"need {need} bytes.* has 700 left.*bfloat16"):
        model.fit(X, Y, verbose=0)
    assert model.store is None
    monkeypatch.undo()
    model.fit(X, Y, verbose=0)


def test_the_hosts_memory_minds_the_limit_of_a_container(tmp_path):
    room = capacity.host_memory()
    assert 10**7 < room < 10**15
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 100\n")
    assert capacity._cgroup_room(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert capacity._cgroup_room(tmp_path) is None


# Repeated ids


def adam_reference(value, total, steps):
    """Adam on one row, by hand."""
    mean = variance = np.zeros_like(value)
    for step in range(1, steps + 1):
        mean = 0.9 * mean + 0.1 * total
        variance = 0.999 * variance + 0.001 * total**2
        rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        value = value - rate * mean / (np.sqrt(variance) + 1e-7)
    return value


@pytest.mark.parametrize("storage", STORAGES)
def test_a_repeated_example_moves_once_by_the_sum_of_its_gradients(storage, place):
    store = make_store(Adam(0.1), place(storage))
    start, ids, gradient = tables(store), [5, 2, 5, 5, 0, 2], gradients(1, 6)[0]
    for _ in range(3):
        move(store, ids, gradient)
    after = tables(store)
    for one in (0, 2, 5):
        total = gradient[np.array(ids) == one].sum(axis=0, dtype="float64")
        expected = adam_reference(start["targets/0"][one].astype("float64"), total, 3)
        np.testing.assert_allclose(after["targets/0"][one], expected, rtol=1e-3, atol=1e-5)
    assert after["age"].ravel().tolist() == [3, 0, 3, 0, 0, 3, 0, 0, 0]
    np.testing.assert_array_equal(after["targets/0"][[1, 3]], start["targets/0"][[1, 3]])


@pytest.mark.parametrize("rule", RULES)
def test_looking_for_repeated_ids_changes_nothing_where_there_are_none(rule):
    looking, plain = make_store(RULES[rule](), "host"), make_store(RULES[rule](), "host")
    plain.may_repeat = False
    for gradient in gradients(3, 4):
        move(looking, [6, 1, 8, 3], gradient)
        move(plain, [6, 1, 8, 3], gradient)
    assert_same(tables(looking), tables(plain))


@pytest.mark.parametrize("jit_compile", [True, False])
def test_the_copies_of_an_example_share_the_row_of_the_first(jit_compile):
    """With inputs that differ, as under augmentation."""
    model = make_model(jit_compile=jit_compile, optimizer=SGD(0.0))
    first = model.net.layers[0]
    expected = X[[3, 4]] @ ops.convert_to_numpy(first.kernel) + ops.convert_to_numpy(first.bias)
    x = {"inputs": X[[3, 4, 5]], "example_id": np.array([7, 1, 7], "int32")}
    model.fit(x, Y[:3], batch_size=3, shuffle=False, verbose=0)
    rows = next(iter(model.targets([7, 1]).values()))
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-6)


def test_arrays_with_distinct_ids_pay_nothing_and_streams_are_looked_through():
    model = make_model()
    model.fit(X, Y, verbose=0)
    assert not model.store.may_repeat
    x = {"inputs": X, "example_id": IDS}
    model.fit(x, Y, verbose=0)
    assert not model.store.may_repeat
    function = model.train_function
    model.train_on_batch({"inputs": X[:2], "example_id": np.array([1, 1])}, Y[:2])
    assert model.store.may_repeat and model.train_function is not function
    assert model.store.read("age", [1, 2]).ravel().tolist() == [3, 2]


# All examples in one batch


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("rule", ["sgd", "adam", "rprop"])
def test_a_batch_of_all_examples_trains_as_one_with_ids_does(rule, storage, place):
    """Without ids of the user's the rows need no lookup; with them they are looked up."""
    found, call = [], {"batch_size": 13, "epochs": 3, "verbose": 0}
    for x in (X, {"inputs": X, "example_id": IDS}):
        targets = raikeras.Learned(13, RULES[rule](), storage=place(storage))
        model = make_model(targets=targets, **COMPILED)
        model.fit(x, Y, **call)
        assert model.relaxed.in_order == (x is X and storage == "device")
        found.append(trained(model, epochs=0))
    for key, array in found[0].items():
        np.testing.assert_allclose(array, found[1][key], rtol=1e-4, atol=1e-5, err_msg=key)
    assert found[0]["age"].ravel().tolist() == [3] * 13


@pytest.mark.parametrize(
    "call, ages",
    [
        ({"batch_size": 5}, [2] * 13),
        ({"batch_size": 5, "steps_per_epoch": 1, "shuffle": False}, [2] * 5 + [1] * 8),
    ],
)
def test_smaller_batches_after_it_find_their_rows(call, ages):
    model = make_model()
    model.fit(X, Y, verbose=0)
    function = model.train_function
    assert model.relaxed.in_order
    model.fit(X, Y, verbose=0, **call)
    assert not model.relaxed.in_order and model.train_function is not function
    assert model.store.read("age", IDS).ravel().tolist() == ages


def test_a_part_held_back_for_validation_leaves_the_rest_in_order():
    model = make_model(targets=raikeras.Learned())
    model.fit(X, Y, validation_split=0.3, verbose=0)
    assert model.relaxed.in_order and model.store.num_examples == 9
    spare = make_model(targets=raikeras.Learned(14))  # a row more than there are examples
    spare.fit(X, Y, verbose=0)
    assert not spare.relaxed.in_order


def test_only_the_batches_of_fit_take_all_rows_for_theirs():
    """Norms of gradients, of some examples or in another order, find the rows that they name."""
    model = make_model()
    model.fit(X, Y, batch_size=13, verbose=0)
    assert model.relaxed.in_order
    norms = [
        raikeras.diagnostics.gradient_norms(model, {"inputs": X[ids], "example_id": ids}, Y[ids])
        for ids in (IDS, IDS[::-1].copy())
    ]
    assert norms[1] == pytest.approx(norms[0], rel=1e-4, abs=1e-7)
    some = {"inputs": X[4:8], "example_id": IDS[4:8]}
    assert all(np.isfinite(list(raikeras.diagnostics.gradient_norms(model, some, Y[4:8]).values())))
    ten = {"inputs": X[:10], "example_id": IDS[:10]}
    seen = raikeras.callbacks.GradientNorms(ten, Y[:10])
    model.fit(X, Y, batch_size=13, verbose=0, callbacks=[seen])


def test_validation_data_beside_a_split_leave_all_examples_for_training():
    model = make_model(targets=raikeras.Learned())
    model.fit(X, Y, validation_split=0.5, validation_data=(X, Y), verbose=0)
    assert model.store.num_examples == 13
    assert (model.store.read("age", IDS) == 1).all()
