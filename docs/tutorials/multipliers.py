# %% [markdown]
# # What multipliers change
# With a penalty alone the targets' pull fades on the way down, by orders of magnitude in a deep
# net. Multipliers add up what still mismatches, layer by layer, so that the lowest layers are told
# as much as by backprop. `GradientAlignment` shows it: by layer, the norm of a method's gradient
# by that of backprop's, and the cosine of the two.

# %%
import keras
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import raikeras

digits, labels = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(
    (digits / 16).astype("float32"), labels, test_size=0.25, random_state=0
)
HIDDEN = [f"hidden_{k}" for k in range(32)]


def make_net():
    keras.utils.set_random_seed(0)
    start = keras.initializers.Orthogonal()
    hidden = [
        keras.layers.Dense(32, "tanh", name=name, kernel_initializer=start) for name in HIDDEN
    ]
    return keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])


rules = {
    "penalty": raikeras.Inferred(64, 0.25),
    "multipliers": raikeras.Inferred(64, 0.25, multiplier_rate=0.925, multiplier_leak=0.01),
}

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for name, rule in rules.items():
    model = raikeras.RelaxedModel(
        make_net(),
        relax=HIDDEN,
        targets=rule,
        at="post_activation",
        hidden_loss=raikeras.losses.HalfSquaredError("sum_over_batch_size"),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    watch = raikeras.callbacks.GradientAlignment(x[:64], y[:64])
    model.fit(x, y, batch_size=64, epochs=3, verbose=0, callbacks=[watch])
    for axis, what in zip(axes, ("ratio", "cosine"), strict=True):
        at_start = [watch.history[f"gradient_{what}/{layer}"][0] for layer in HIDDEN]
        axis.plot(at_start, "o-", ms=3, label=name)
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
    print(f"{name}: test accuracy after three epochs {accuracy:.2f}")
axes[0].set(yscale="log", xlabel="hidden layer, from below", ylabel="norm, backprop's is 1")
axes[1].set(xlabel="hidden layer, from below", ylabel="cosine to backprop's", ylim=(0, 1.05))
axes[0].legend()
figure.tight_layout()

# %% [markdown]
# Before the first step. Adam, which divides by the size of a gradient, hides much of such a fading
# from the accuracy: look at the gradients themselves.

# %% tags=["remove-cell"]
from myst_nb import glue  # for the gallery

glue("multipliers", figure, display=False)
