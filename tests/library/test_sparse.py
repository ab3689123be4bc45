"""Sparse inputs train as dense ones do, wherever plain Keras takes them."""

import keras
import numpy as np
import pytest
import scipy.sparse

import raikeras
from raikeras.callbacks import Backup
from raikeras.training.overflow import explain

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras has no sparse inputs on torch"
)
COUNT, BATCH = 16, 4
RNG = np.random.default_rng(0)
X = (RNG.random((COUNT, 6)) * (RNG.random((COUNT, 6)) > 0.6)).astype("float32")
Y = RNG.normal(size=(COUNT, 1)).astype("float32")
BACKPROP = {"targets": raikeras.Gradient(), "hidden_loss": raikeras.losses.HalfSquaredError()}
SETTINGS = {
    "learned": {},
    "backprop": BACKPROP,
    "inferred": {"targets": raikeras.Inferred(2, step_size=0.1)},
    "local": BACKPROP | {"weight_step": raikeras.Local(2)},
    "closed form": BACKPROP | {"weight_step": raikeras.ClosedForm(0.1)},
}


def of_backend():
    """The running backend's own sparse matrix."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.sparse.from_dense(X)
    from jax.experimental import sparse

    return sparse.BCOO.fromdense(X)


def trained(x, sparse=True, units=6, call=None, **settings):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(size, "tanh") for size in (units, 6)]
    net = keras.Sequential([keras.Input((6,), sparse=sparse), *layers, keras.layers.Dense(1)])
    model = raikeras.RelaxedModel(net, **settings)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    fit = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(*((x,) if call and call.pop("stream", False) else (x, Y)), **(fit | (call or {})))
    return model.get_weights()


def assert_close(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_sparse_matrix_trains_as_a_dense_one(kind):
    """The first layer is part of a chain of equal ones."""
    dense = trained(X, sparse=False, **SETTINGS[kind])
    assert_close(trained(scipy.sparse.csr_array(X), **SETTINGS[kind]), dense)


@pytest.mark.parametrize("kind", ["csc", "coo", "lil", "dok", "bsr", "dia", "backend"])
def test_all_formats_train(kind):
    matrix = of_backend() if kind == "backend" else getattr(scipy.sparse, f"{kind}_matrix")(X)
    assert_close(trained(matrix, units=5), trained(X, sparse=False, units=5))


def test_a_net_that_expects_dense_inputs_takes_sparse_ones():
    assert_close(trained(scipy.sparse.csc_array(X), sparse=False), trained(X, sparse=False))


@pytest.mark.parametrize("kind", ["scipy", "backend"])
@pytest.mark.parametrize("backup", [False, True])
def test_a_validation_split_and_a_backup(kind, backup, tmp_path):
    found = []
    for x in (X, scipy.sparse.csr_array(X) if kind == "scipy" else of_backend()):
        callbacks = [Backup(tmp_path / "backup", save_freq=0)] if backup else []
        call = {"validation_split": 0.25, "callbacks": callbacks}
        found.append(trained(x, sparse=x is not X, call=call))
    assert_close(*found)


def test_a_pydataset_of_sparse_batches():
    class Items(keras.utils.PyDataset):
        def __len__(self):
            return -(-COUNT // BATCH)

        def __getitem__(self, index):
            part = slice(BATCH * index, BATCH * index + BATCH)
            return scipy.sparse.csr_array(X)[part], Y[part]

    streamed = trained(
        raikeras.data.with_ids(Items()),
        targets=raikeras.Learned(COUNT),
        call={"stream": True, "batch_size": None},
    )
    assert_close(streamed, trained(X, sparse=False))


def test_nan_in_a_sparse_matrix_is_found_at_its_example():
    bad = X.copy()
    bad[5, 2] = np.nan
    with pytest.raises(ValueError, match="`x` must be finite.*1 values.*first in example 5"):
        trained(scipy.sparse.csr_array(bad))


def test_the_guard_explains_sparse_inputs_as_dense_ones():
    net = keras.Sequential([keras.Input((6,), sparse=True), keras.layers.Dense(3)])
    model = raikeras.RelaxedModel(net)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    huge = X * np.float32(1e25)
    found = [explain(model, x) for x in (huge, scipy.sparse.csr_array(huge))]
    assert found[0] == found[1]
    assert "first whose mismatch" in found[0]
