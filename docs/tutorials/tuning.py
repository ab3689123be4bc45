# %% [markdown]
# # Tuning with KerasTuner
# A `RelaxedModel` is a Keras model, so a tuner takes it as it is. Name the deployed network's
# metric as the objective: a loss of the relaxed path says little about the network you keep.

# %%
import tempfile

import keras
import keras_tuner
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import raikeras

digits, labels = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(
    (digits / 16).astype("float32"), labels, test_size=0.25, random_state=0
)


def build(choices):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, "tanh"),
            keras.layers.Dense(32, "tanh"),
            keras.layers.Dense(10),
        ]
    )
    rate = choices.Float("learning_rate", 1e-3, 3e-2, sampling="log")
    model = raikeras.RelaxedModel(net, targets=raikeras.Inferred(choices.Int("steps", 2, 16)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


tuner = keras_tuner.RandomSearch(
    build, "val_accuracy", max_trials=5, seed=0, directory=tempfile.mkdtemp(), overwrite=True
)
tuner.search(x, y, batch_size=64, epochs=3, validation_data=(x_test, y_test), verbose=0)

# %%
trials = list(tuner.oracle.trials.values())
figure, axis = plt.subplots(figsize=(5, 3.2))
points = axis.scatter(
    [trial.hyperparameters.get("learning_rate") for trial in trials],
    [trial.score for trial in trials],
    c=[trial.hyperparameters.get("steps") for trial in trials],
)
axis.set(
    xscale="log",
    xticks=[1e-3, 1e-2],
    xlabel="learning rate",
    ylabel="accuracy of the network, held out",
)
figure.colorbar(points, label="steps of inference")
figure.tight_layout()

# %% tags=["remove-cell"]
from myst_nb import glue  # for the gallery

glue("tuning", figure, display=False)
