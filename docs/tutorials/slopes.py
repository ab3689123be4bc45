# %% [markdown]
# # A ReLU that learns its slope
# `ReLUAlpha` is `relu(x) - (1 - alpha) relu(-x)`: alpha = 1 is ReLU, 0 the identity, and alpha is
# trained, in any Keras model. A penalty on alpha lets a net give up what nonlinearity it does not
# need.

# %%
import keras
import matplotlib.pyplot as plt
import pandas
import seaborn
from sklearn.datasets import make_moons

import raikeras

x, y = make_moons(n_samples=200, noise=0.1, random_state=42)
x, y = x.astype("float32"), y.astype("float32")[:, None]
keras.utils.set_random_seed(0)
net = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(32),
        raikeras.layers.ReLUAlpha(shared_axes=None),  # for each unit; by default for the layer
        keras.layers.Dense(1, "sigmoid"),
    ]
)
model = raikeras.layers.AlphaNorm(net, weight=0.003)
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
alphas = raikeras.callbacks.AlphaHistory(every=10)
history = model.fit(x, y, batch_size=20, epochs=60, verbose=0, callbacks=[alphas])

# %%
table = pandas.DataFrame(alphas.columns())
figure, axis = plt.subplots(figsize=(6, 3.2))
unit = [name for name in table.columns if name not in ("step", "layer", "alpha")][0]
seaborn.lineplot(table, x="step", y="alpha", units=unit, estimator=None, ax=axis, lw=0.8, alpha=0.7)
axis.set(ylabel="alpha of each unit")
figure.tight_layout()
print(f"accuracy {history.history['accuracy'][-1]:.2f}")

# %% tags=["remove-cell"]
from myst_nb import glue  # for the gallery

glue("slopes", figure, display=False)
