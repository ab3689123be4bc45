# %% [markdown]
# # LocoProp: several local steps on a batch
# Targets a step against backprop's gradient, then several steps of each layer towards its own:
# more work a batch that no layer has to wait for. The hidden loss is each layer's matching loss.

# %%
import keras
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

import raikeras

digits, labels = load_digits(return_X_y=True)
x = (digits / 16).astype("float32")


def make_autoencoder():
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(units, "tanh") for units in (64, 16, 64)]
    return keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(64, "sigmoid")])


loss = keras.losses.BinaryCrossentropy(from_logits=False)
plain = make_autoencoder()
plain.compile(keras.optimizers.Adam(0.02), loss)
adam = plain.fit(x, x, batch_size=200, epochs=30, verbose=0).history["loss"]

# The source's loss is summed over units and Keras' is their mean: so the step is 64 times as long.
local_steps = keras.optimizers.RMSprop(1e-3)
model = raikeras.presets.locoprop_m(make_autoencoder(), loss, local_steps, step_size=64 * 16.0)
local = model.fit(x, x, batch_size=200, epochs=30, verbose=0).history["deployed_loss"]

# %%
figure, axis = plt.subplots(figsize=(5.5, 3.2))
axis.plot(adam, label="backprop, Adam")
axis.plot(local, label="LocoProp-M")
axis.set(xlabel="epoch", ylabel="loss of the network")
axis.legend()
figure.tight_layout()

# %% [markdown]
# Both at the best of four rates. A batch costs LocoProp ten local steps: the paper gives backprop
# the same wall time as well, and there the picture is another.

# %% tags=["remove-cell"]
from myst_nb import glue  # for the gallery

glue("locoprop", figure, display=False)
