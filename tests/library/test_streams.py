"""Streams: as many steps as plain Keras makes of them, whatever kind they are of."""

import keras
import numpy as np
import pytest

import raikeras
from raikeras.data.streams import standard_batch

COUNT, BATCH = 14, 4  # four batches, the last one short
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 4)).astype("float32")
Y = RNG.normal(size=(COUNT, 1)).astype("float32")
IDS = np.arange(COUNT, dtype="int32")
PARTS = [slice(first, first + BATCH) for first in range(0, COUNT, BATCH)]
GENERATOR_ENDS = pytest.mark.filterwarnings("ignore:Your input ran out of data")


def numbered(part):
    return {"inputs": X[part], "example_id": IDS[part]}, Y[part]


class Loader:
    """Batches that can be drawn again and again; plain Keras refuses such an object."""

    def __init__(self, make=numbered):
        self.make, self.begun = make, 0

    def __iter__(self):
        self.begun += 1
        return (self.make(part) for part in PARTS)


class SizedLoader(Loader):
    def __len__(self):
        return len(PARTS)


class Items(keras.utils.PyDataset):
    """The same batches for plain Keras."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __len__(self):
        return len(PARTS)

    def __getitem__(self, index):
        return self.make(PARTS[index])


class EndlessItems(Items):
    num_batches = None

    def __getitem__(self, index):
        return self.make(PARTS[index % len(PARTS)])


def make_model(targets=None, **settings):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(1)]
    net = keras.Sequential([keras.Input((4,)), *layers])
    model = raikeras.RelaxedModel(net, targets=targets or raikeras.Learned(COUNT), **settings)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def as_backprop():
    """Trains as plain Keras does."""
    loss = raikeras.losses.HalfSquaredError()
    return make_model(raikeras.Gradient(), hidden_loss=loss, deployed_every=1)


def assert_same(model, weights):
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def trained_on_arrays(epochs):
    model = make_model()
    model.fit(X, Y, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("as_list", [False, True])
def test_an_object_that_can_be_iterated_again_gives_each_epoch_all_its_batches(as_list):
    model = make_model()
    stream = SizedLoader(lambda part: list(numbered(part)) if as_list else numbered(part))
    history = model.fit(stream, epochs=3, verbose=0).history
    assert int(model.optimizer.iterations) == 3 * len(PARTS)
    assert len(history["loss"]) == 3
    reference = trained_on_arrays(3)
    assert_same(model, reference.get_weights())
    for ours, theirs in zip(
        model.targets(IDS).values(), reference.targets(IDS).values(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@GENERATOR_ENDS
def test_an_object_of_unknown_length_is_iterated_again_in_each_epoch():
    model, stream = make_model(), Loader()
    history = model.fit(stream, epochs=3, verbose=0).history
    assert len(history["loss"]) == 3
    assert stream.begun >= 3
    assert_same(model, trained_on_arrays(3).get_weights())


@GENERATOR_ENDS
@pytest.mark.parametrize("steps", [2, 3, 9])
def test_steps_per_epoch_cut_the_stream_as_they_cut_a_pydataset(steps):
    """Below the stream's length an epoch goes on where the last one ended; beyond it ends."""
    call = {"steps_per_epoch": steps, "epochs": 3, "verbose": 0, "shuffle": False}
    model = as_backprop()
    model.fit(SizedLoader(lambda part: (X[part], Y[part])), **call)
    plain = make_model().net
    plain.compile(keras.optimizers.SGD(0.1), "mse")
    plain.fit(Items(lambda part: (X[part], Y[part])), **call)
    assert int(model.optimizer.iterations) == int(plain.optimizer.iterations)
    assert_same(model, plain.get_weights())


def test_an_endless_pydataset_makes_the_steps_that_are_asked_for():
    model = make_model()
    model.fit(
        EndlessItems(numbered), steps_per_epoch=len(PARTS), epochs=2, shuffle=False, verbose=0
    )
    assert_same(model, trained_on_arrays(2).get_weights())


def test_class_weights_act_on_a_pydataset_and_are_refused_beside_a_loader():
    """As in plain Keras, beside a DataLoader."""
    labels = (Y > 0).astype("float32")
    call = {"class_weight": {0: 1.0, 1: 3.0}, "epochs": 2, "verbose": 0, "shuffle": False}
    streamed, arrays = make_model(), make_model()
    streamed.fit(Items(lambda part: (numbered(part)[0], labels[part])), **call)
    arrays.fit(X, labels, batch_size=BATCH, **call)
    assert_same(streamed, arrays.get_weights())
    for model in (make_model(), as_backprop()):
        with pytest.raises(ValueError, match="`class_weight` must be part of the batches"):
            model.fit(SizedLoader(), **call)
        with pytest.raises(ValueError, match="`y` must be part of the batches"):
            model.fit(SizedLoader(), Y, verbose=0)


class Adapter(raikeras.data.streams.DataAdapter):
    """A user's own adapter, which Keras takes as it is."""

    batch_size = has_partial_batch = partial_batch_size = None
    num_batches = len(PARTS)

    def __init__(self):
        self.epochs = []

    def get_jax_iterator(self):
        return map(numbered, PARTS)

    def get_tf_dataset(self):
        import tensorflow as tf

        inputs = {"inputs": X, "example_id": IDS}
        return tf.data.Dataset.from_tensor_slices((inputs, Y)).batch(BATCH)

    def get_torch_dataloader(self):
        return map(numbered, PARTS)

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


def test_an_adapter_of_the_users_own_keeps_its_steps_and_hears_of_epochs():
    model, adapter = make_model(), Adapter()
    model.fit(adapter, epochs=2, verbose=0)
    assert_same(model, trained_on_arrays(2).get_weights())
    assert adapter.epochs.count("begin") >= 2


@GENERATOR_ENDS
@pytest.mark.parametrize("kind", ["generator", "iterator"])
def test_what_can_be_drawn_once_is_drawn_once(kind):
    batches = (list(numbered(part)) for part in PARTS)
    model = make_model()
    model.fit(batches if kind == "generator" else map(list, batches), shuffle=False, verbose=0)
    assert_same(model, trained_on_arrays(1).get_weights())


@pytest.mark.parametrize("kind", [SizedLoader, Items])
@pytest.mark.parametrize("nest", [list, tuple, dict])
def test_inputs_and_labels_may_be_lists_tuples_and_dicts(kind, nest):
    def build():
        keras.utils.set_random_seed(1)
        a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
        hidden = keras.layers.Dense(5, "tanh")(keras.layers.concatenate([a, b]))
        outputs = [keras.layers.Dense(1, name=name)(hidden) for name in "cd"]
        net = keras.Model({"a": a, "b": b} if nest is dict else [a, b], outputs)
        model = raikeras.RelaxedModel(net, targets=raikeras.Learned(COUNT))
        model.compile(keras.optimizers.SGD(0.1), ["mse", "mae"])
        return model

    def inputs(part):
        pair = X[part, :2], X[part, 2:]
        return dict(zip("ab", pair, strict=True)) if nest is dict else nest(pair)

    def batch(part):
        return [{"inputs": inputs(part), "example_id": IDS[part]}, [Y[part], Y[part] ** 2]]

    streamed, arrays = build(), build()
    streamed.fit(kind(batch), epochs=2, shuffle=False, verbose=0)
    whole = inputs(slice(None))
    arrays.fit(whole, [Y, Y**2], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    assert_same(streamed, arrays.get_weights())


def test_a_batch_is_a_tuple_whatever_it_was():
    ids = {"inputs": X, "example_id": [3, 1]}
    (x, y) = standard_batch([ids, Y])
    assert x["example_id"].tolist() == [3, 1]
    assert y is Y
    assert standard_batch(X) == (X,)
    assert standard_batch({"a": X})[0]["a"] is X
    assert standard_batch(([X, Y], None)) == ((X, Y), None)


def test_a_bad_batch_of_a_loader_is_a_plain_error():
    def bad(part):
        x, y = numbered(part)
        return {**x, "example_id": x["example_id"] + COUNT}, y

    for make, words in ((bad, "must be in"), (lambda part: (X[part], Y[part]), "needs an id")):
        model = make_model()
        before = model.get_weights()
        with pytest.raises(ValueError, match=words):
            model.fit(SizedLoader(make), verbose=0)
        assert_same(model, before)


@pytest.mark.parametrize("x", [len, object(), 3])
def test_what_is_neither_array_nor_stream_is_refused(x):
    for model in (make_model(), as_backprop()):
        with pytest.raises(TypeError, match=f"Received: x of type {type(x).__name__}"):
            model.fit(x, verbose=0)


def test_torch_loaders_of_tensors_and_arrays():
    torch = pytest.importorskip("torch")

    def as_tensors(rows):
        x, y = numbered(rows)
        return [{name: torch.tensor(value) for name, value in x.items()}, torch.tensor(y)]

    for collate in (numbered, as_tensors):
        loader = torch.utils.data.DataLoader(range(COUNT), BATCH, collate_fn=collate)
        model = make_model()
        model.fit(loader, epochs=2, verbose=0)
        assert_same(model, trained_on_arrays(2).get_weights())


@GENERATOR_ENDS
def test_grain_datasets():
    grain = pytest.importorskip("grain")
    source = grain.MapDataset.source(IDS).batch(BATCH).map(numbered)
    for stream in (source, source.to_iter_dataset()):
        model = make_model()
        model.fit(stream, epochs=2, verbose=0)
        assert_same(model, trained_on_arrays(2).get_weights())
        with pytest.raises(ValueError, match="`class_weight` must be part of the batches"):
            model.fit(stream, class_weight={0: 1.0})
