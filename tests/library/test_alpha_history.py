"""`AlphaHistory`: the alphas of every step, as columns that pandas takes."""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import raikeras
from raikeras.callbacks import AlphaHistory
from raikeras.layers import ReLUAlpha

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X[:, :1]


def net():
    keras.utils.set_random_seed(0)
    start = keras.initializers.Constant(0.5)
    inner = keras.Sequential([layers.Dense(2), ReLUAlpha(start, name="twice")], name="inner")
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(2),
            ReLUAlpha(start, name="one"),
            ReLUAlpha(start, name="twice", shared_axes=None),
            inner,
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def fit(model, history, **settings):
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[history], **settings)
    return pd.DataFrame(history.columns())


def test_columns_hold_the_alphas_of_every_step():
    other = net()
    alphas = [x for x in other.trainable_variables if x.name == "alpha"]

    def now():
        return np.concatenate([np.ravel(keras.ops.convert_to_numpy(a.value)) for a in alphas])

    expected = [now()]
    for step in range(6):
        rows = slice(4 * (step % 3), 4 * (step % 3) + 4)
        other.train_on_batch(X[rows], Y[rows])
        expected.append(now())
    frame = fit(net(), AlphaHistory(), epochs=2)
    assert list(frame.columns) == ["step", "layer", "unit", "alpha"]
    assert frame["step"].tolist() == np.repeat(np.arange(7), 4).tolist()
    np.testing.assert_allclose(frame["alpha"], np.concatenate(expected), rtol=1e-5)
    layers_ = frame["layer"][:4].tolist()
    assert layers_[0] == "one" and layers_[1] == layers_[2] != layers_[3]
    assert frame["unit"][:4].tolist() == [0, 0, 1, 0]


def test_every_says_how_often_and_a_new_fit_starts_anew():
    history, model = AlphaHistory(every=4), net()
    assert sorted(set(fit(model, history, epochs=3)["step"])) == [0, 4, 8]
    assert sorted(set(fit(model, history, epochs=1)["step"])) == [0]
    assert pd.DataFrame(AlphaHistory().columns()).empty


def test_it_serves_a_relaxed_model_and_a_model_that_fit_builds():
    own = net()
    model = raikeras.RelaxedModel(own, relax=layers.Dense)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    frame = fit(model, AlphaHistory(), epochs=2)  # in the first one targets have no mismatch
    assert len(frame) == 28 and frame["alpha"].nunique() > 3
    late = keras.Sequential([layers.Dense(2), ReLUAlpha(name="one"), layers.Dense(1)])
    late.compile("sgd", "mse")
    assert set(fit(late, AlphaHistory(), epochs=1)["step"]) >= {1, 2, 3}


def test_bad_input_is_one_clear_error():
    for every in (0, 1.5, True, "all"):
        with pytest.raises(ValueError, match="positive integer. Received: every="):
            AlphaHistory(every)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)], name="plain")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="ReLUAlpha. Received: model=plain without one"):
        model.fit(X, Y, callbacks=[AlphaHistory()], verbose=0)
