"""Example ids and the checks of training data, before and while training."""

import keras
import numpy as np
import pytest
from tf_streams import TF_DATA, needs_tensorflow, tf_dataset

import raikeras
from raikeras.data import fingerprint, is_stream, with_ids
from raikeras.data.finite import check_finite
from raikeras.data.ids import Checker

COUNT = 13  # with batches of 5 the last one is short
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
IDS = np.arange(COUNT, dtype="int32")


class Items(keras.utils.PyDataset):
    """Batches of 5, in order."""

    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.arrays, self.epochs_ended = arrays, 0

    def __len__(self):
        return -(-len(self.arrays[0]) // 5)

    def __getitem__(self, index):
        return tuple(array[5 * index : 5 * index + 5] for array in self.arrays)

    def on_epoch_end(self):
        self.epochs_ended += 1


def generator(x=X, y=Y, ids=IDS, repeat=1):
    for _ in range(repeat):
        for first in range(0, len(x), 5):
            part = slice(first, first + 5)
            yield {"inputs": x[part], "example_id": ids[part]}, y[part]


STREAMS = {
    "tf.data": lambda x=X, y=Y: with_ids(tf_dataset((x, y))).batch(5),
    "PyDataset": lambda x=X, y=Y: with_ids(Items(x, y)),
    "PyDataset, threads": lambda x=X, y=Y: with_ids(Items(x, y, workers=2)),
    "generator": generator,
}
KINDS = [TF_DATA, *list(STREAMS)[1:]]


# A stream's epoch; Keras warns if a generator ends without being told.
EPOCH = {"steps_per_epoch": 3, "shuffle": False, "verbose": 0}


def make_model(num_examples: int | None = COUNT, **settings):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1, "sigmoid")]
    )
    model = raikeras.RelaxedModel(net, targets=raikeras.Learned(num_examples), **settings)
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    return model


def assert_same_weights(model, weights):
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Ids


@needs_tensorflow
@pytest.mark.parametrize("weighted", [False, True])
def test_ids_of_a_tf_dataset_stay_with_their_examples_through_a_shuffle(weighted):
    parts = (X, Y, np.arange(COUNT, dtype="float32")) if weighted else (X, Y)
    stream = with_ids(tf_dataset(parts)).shuffle(COUNT, seed=1).batch(5)
    seen = []
    for _ in range(2):
        for inputs, *rest in stream.as_numpy_iterator():
            np.testing.assert_array_equal(inputs["inputs"], X[inputs["example_id"]])
            np.testing.assert_array_equal(rest[0], Y[inputs["example_id"]])
            assert not weighted or (rest[1] == inputs["example_id"]).all()
            seen += inputs["example_id"].tolist()
    assert sorted(seen[:COUNT]) == sorted(seen[COUNT:]) == list(range(COUNT))
    assert seen != [*range(COUNT)] * 2


@pytest.mark.parametrize("batch_size", [None, 5])
def test_ids_of_a_pydataset_number_its_examples_in_order(batch_size):
    items = Items(X, Y, workers=2, max_queue_size=3)
    stream = with_ids(items, batch_size)
    assert (len(stream), stream.workers, stream.max_queue_size) == (3, 2, 3)
    batches = [stream[index] for index in (0, 1, 2)]
    np.testing.assert_array_equal(np.concatenate([b[0]["example_id"] for b in batches]), IDS)
    np.testing.assert_array_equal(np.concatenate([b[0]["inputs"] for b in batches]), X)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), Y)
    stream.on_epoch_end()
    assert items.epochs_ended == 1


@needs_tensorflow
def test_ids_of_several_inputs():
    inputs = {"a": X, "b": X[:, :1]}
    stream = with_ids(tf_dataset((inputs, Y))).batch(5)
    batch = next(iter(stream.as_numpy_iterator()))[0]
    assert set(batch["inputs"]) == {"a", "b"}
    np.testing.assert_array_equal(batch["example_id"], IDS[:5])


@pytest.mark.parametrize("stream", [X, [1, 2], generator()], ids=["array", "list", "generator"])
def test_with_ids_refuses_what_it_cannot_number(stream):
    with pytest.raises(TypeError, match=f"Received: stream of type {type(stream).__name__}"):
        with_ids(stream)


@needs_tensorflow
def test_with_ids_needs_pairs_of_x_and_y():
    with pytest.raises((TypeError, ValueError), match=r"\(x, y\)"):
        with_ids(tf_dataset(X))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_stream_trains_the_rows_of_arrays(kind):
    """Same batches from arrays and from a stream: same weights and the same row for each id."""
    reference = make_model()
    reference.fit(X, Y, batch_size=5, shuffle=False, verbose=0)
    model = make_model()
    model.fit(STREAMS[kind](), **EPOCH)
    for ours, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    rows, expected = model.targets(IDS), reference.targets(IDS)
    for ours, theirs in zip(rows.values(), expected.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_arrays_may_bring_their_own_ids():
    order = np.random.default_rng(1).permutation(COUNT)
    reference = make_model()
    reference.fit(X, Y, batch_size=COUNT, epochs=2, verbose=0)
    model = make_model(num_examples=100)
    ids = (7 * order + 3).astype("int64")
    inputs = {"inputs": X[order], "example_id": ids}
    model.fit(inputs, Y[order], batch_size=COUNT, epochs=2, verbose=0)
    expected = reference.targets(order)
    for ours, theirs in zip(model.targets(ids).values(), expected.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_evaluate_and_predict_need_no_ids_and_ignore_them():
    model = make_model()
    expected = model.net.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)
    numbered = {"inputs": X, "example_id": IDS}
    np.testing.assert_array_equal(model.predict(numbered, verbose=0), expected)
    model.fit(X, Y, validation_data=(X, Y), verbose=0)


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_evaluate_ignores_the_ids_of_a_stream(kind):
    model = make_model()
    loss = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(STREAMS[kind](), verbose=0) == pytest.approx(loss, rel=1e-5)


# Checks

BAD_IDS = {
    "too large": (IDS + 1, r"must be in \[0, 13\).*num_examples=13.*ids from 1 to 13"),
    "negative": (IDS - 1, r"must be in \[0, 13\).*ids from -1 to 11"),
    "float": (IDS.astype("float32"), "must be integers.*dtype=float32"),
    "boolean": (IDS > 3, "must be integers.*dtype=bool"),
    "two axes": (IDS[:, None], r"shape \(batch,\).*shape=\(\d+, 1\)"),
}


@pytest.mark.parametrize("kind", BAD_IDS)
def test_bad_ids_of_arrays_are_refused_before_any_step(kind):
    ids, words = BAD_IDS[kind]
    model = make_model()
    weights = model.get_weights()
    with pytest.raises(ValueError, match=f"`example_id`.*{words}"):
        model.fit({"inputs": X, "example_id": ids}, Y, verbose=0)
    assert_same_weights(model, weights)


@pytest.mark.parametrize("kind", BAD_IDS)
def test_bad_ids_of_a_stream_are_refused_at_the_first_bad_batch(kind):
    ids, words = BAD_IDS[kind]
    words = words.replace("1 to 13", "11 to 13").replace("-1 to 11", "-1 to 3")
    model = make_model()
    with pytest.raises(ValueError, match=f"`example_id`.*{words}"):
        model.fit(generator(ids=ids), **EPOCH)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("kind", KINDS)
def test_nan_in_a_stream_is_a_plain_error_and_training_can_go_on(kind):
    bad = X.copy()
    bad[7, 1] = np.nan
    model = make_model()
    with pytest.raises(ValueError, match="`x` must be finite.*1 values.*first in example 2") as e:
        model.fit(STREAMS[kind](bad), **EPOCH)
    assert type(e.value) is ValueError
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    history = model.fit(STREAMS[kind](), **EPOCH).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("argument", ["x", "y", "sample_weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_arrays_is_refused_before_any_step(argument, value):
    arrays = {"x": X.copy(), "y": Y.copy(), "sample_weight": np.ones(COUNT, "float32")}
    arrays[argument][9] = value
    model = make_model()
    weights = model.get_weights()
    with pytest.raises(ValueError, match=f"`{argument}` must be finite.*first in example 9"):
        model.fit(**arrays, verbose=0)
    assert_same_weights(model, weights)
    model.fit(X, Y, verbose=0)


def test_check_finite_looks_into_nested_inputs_and_low_precision():
    check_finite({"a": X, "b": [X, IDS]}, None, None)
    bad = np.array([1.0, np.nan], "float16")
    with pytest.raises(ValueError, match="`y` must be finite.*first in example 1"):
        check_finite({"a": X}, {"b": bad})


@pytest.mark.parametrize("kind", [TF_DATA, "PyDataset", "generator"])
def test_a_stream_without_ids_is_told_how_to_get_them(kind):
    streams = {
        "tf.data": lambda: tf_dataset((X, Y)).batch(5),
        "PyDataset": lambda: Items(X, Y),
        "generator": lambda: ((batch, batch[:, :1]) for batch in (X[:5], X[5:10])),
    }
    model = make_model()
    weights = model.get_weights()
    with pytest.raises(ValueError, match="example_id"):
        model.fit(streams[kind](), **EPOCH)
    assert_same_weights(model, weights)


@needs_tensorflow
def test_ids_given_to_batches_instead_of_examples_are_refused():
    stream = with_ids(tf_dataset((X, Y)).batch(5))
    with pytest.raises(ValueError, match="example_id"):
        make_model().fit(stream, **EPOCH)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_needs_num_examples(kind):
    model = make_model(num_examples=None)
    weights = model.get_weights()
    with pytest.raises(ValueError, match=r"num_examples=\.\.\..*num_examples=None"):
        model.fit(STREAMS[kind](), **EPOCH)
    assert_same_weights(model, weights)


def test_more_examples_than_rows_are_refused_and_fewer_allowed():
    with pytest.raises(ValueError, match="num_examples=12, x with 13 training examples"):
        make_model(num_examples=12).fit(X, Y, verbose=0)
    model = make_model(num_examples=40)
    model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match=r"no row.*Received: \[13\]|Received: \[13\]"):
        model.targets([0, 13])


def test_a_validation_split_needs_no_rows():
    model = make_model(num_examples=None)
    history = model.fit(X, Y, validation_split=0.4, verbose=0).history
    assert all(len(rows) == 7 for rows in model.targets(np.arange(7)).values())
    assert model.store.num_examples == int(COUNT * 0.6)
    assert "val_loss" in history


@pytest.mark.parametrize("change", ["fewer labels", "narrow x"])
def test_a_call_that_failed_leaves_room_for_the_corrected_one(change):
    model = make_model(num_examples=None)
    x, y = (X, Y[:-1]) if change == "fewer labels" else (X[:, :2], Y)
    with pytest.raises((ValueError, RuntimeError)):  # Keras 3.12 wraps the first in the second
        model.fit(x, y, verbose=0)
    model.fit(X, Y, verbose=0)


def test_checker_names_what_a_stream_has_to_yield():
    with pytest.raises(ValueError, match=r'"example_id": ids.*keys \[\'a\', \'b\'\]'):
        Checker(3).check({"a": X, "b": IDS}, Y)


def test_arrays_are_no_stream():
    arrays = [X, [X, X], {"a": X}, keras.ops.convert_to_tensor(X)]
    assert not any(is_stream(x) for x in arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_are_told_from_arrays(kind):
    assert is_stream(STREAMS[kind]())


def test_fingerprint_knows_shape_dtype_and_bytes():
    changed = X.copy()
    changed[5, 2] += 1e-6
    others = [(changed, Y), (X.astype("float64"), Y), (X.reshape(3, COUNT), Y), (X, 1 - Y), (X,)]
    digests = {fingerprint(*arrays) for arrays in [(X, Y), *others]}
    assert len(digests) == 6
    assert fingerprint(X.copy(), Y.copy()) == fingerprint(np.asfortranarray(X), Y)


def test_every_id_of_arrays_is_checked_not_only_as_many_as_there_are_rows():
    model = make_model(num_examples=5)
    data = {"inputs": X, "example_id": np.arange(len(X), dtype="int32")}
    with pytest.raises(ValueError, match=r"`example_id` must be in \[0, 5\)"):
        model.fit(data, Y, batch_size=5, verbose=0)
