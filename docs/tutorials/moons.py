# %% [markdown]
# # A deep net on two moons
# Thirty sigmoid layers with Keras' default start: backprop's gradient vanishes on the way down.
# With targets of its own each layer learns at once, and a hidden weight that grows brings targets
# and network together.

# %%
import keras
import matplotlib.pyplot as plt
from sklearn.datasets import make_moons

import raikeras

x, y = make_moons(n_samples=200, noise=0.1, random_state=42)
x, y = x.astype("float32"), y.astype("float32")[:, None]


def make_net():
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, "sigmoid") for _ in range(30)]
    return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid")])


# %% [markdown]
# Plain Keras first, then the same net wrapped. The trained weights are in the net either way.

# %%
plain = make_net()
plain.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
backprop = plain.fit(x, y, batch_size=len(x), epochs=400, verbose=0)

net = make_net()
model = raikeras.presets.rai_growing(net, steps=400, metrics=["accuracy"], seed=0)
relaxed = model.fit(x, y, batch_size=len(x), epochs=400, verbose=0)

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for history, name in ((backprop, "backprop"), (relaxed, "targets")):
    axes[0].plot(history.history["accuracy"], label=name)
axes[0].set(xlabel="step", ylabel="accuracy of the network", ylim=(0.4, 1.02))
axes[0].legend()
for axis, one, name in ((axes[1], plain, "backprop"), (axes[2], net, "targets")):
    landscape = raikeras.diagnostics.decision_landscape(one)
    limits = landscape.axis[[0, -1]]
    axis.imshow(
        landscape.values, origin="lower", extent=[*limits, *limits], cmap="RdBu", vmin=0, vmax=1
    )
    axis.scatter(*x.T, c=y[:, 0], s=6, cmap="RdBu", edgecolors="black", linewidths=0.3)
    axis.set(title=name, xlim=(-2, 3), ylim=(-1.5, 2))
figure.tight_layout()

# %% [markdown]
# This is backprop at a default start and rate. With a start that suits the depth,
# `raikeras.initializers.isometric_start`, it trains this net too: the paper compares the two at
# their best.

# %% tags=["remove-cell"]
from myst_nb import glue  # for the gallery

glue("moons", figure, display=False)
