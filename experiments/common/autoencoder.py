"""What the autoencoder experiments and their search share: data, net, methods, training."""

import keras
import numpy as np
from keras import ops

import raikeras
from experiments.common import minibatch
from raikeras.presets import locoprop_m, locoprop_s

WARM_UP = 20  # the rate rises over one of so many parts of the steps
NOTEBOOK_EPOCHS = 99  # that the published notebook runs, of 100 that its rate is made for
NOTEBOOK_WARM_UP = 5


# Data


def pixels(settings):
    """Training and test images as rows of pixels in [0, 1].

    With `held_out` the last training images stand in for the test images.
    """
    made = {"olivetti": faces, "curves": curves}.get(settings["dataset"])
    if made is None:
        train, _, test, _ = minibatch.images(settings)
        return train, test
    train, test = made()
    held_out, count = settings["held_out"], settings["train_examples"]
    if held_out:
        train, test = train[:-held_out], train[-held_out:]
    return train[: count or None], test


def faces(size=25, persons=30):
    """Olivetti faces of `size` x `size` pixels: the first persons to train on, the others to test.

    No person is in both parts.
    """
    images, who = raikeras.datasets.olivetti()
    images = images.astype("float32")[..., None] / 255
    small = ops.image.resize(images, (size, size), antialias=True, data_format="channels_last")
    rows = np.clip(ops.convert_to_numpy(small), 0, 1).reshape(len(images), -1)
    return rows[who < persons], rows[who >= persons]


def curves(train=20000, test=10000, size=28, samples=40, thickness=0.8, seed=2006, chunk=2000):
    """Generated images of smooth curves through three random points, after Hinton & Salakhutdinov.

    Two cubic Bezier arcs with a common tangent at the middle point, drawn with a pen of Gaussian
    profile whose standard deviation is `thickness` pixels. These are not the images that the
    literature calls CURVES, which cannot be had here.
    """
    rng = np.random.default_rng(seed)
    points = rng.uniform(4, size - 5, (train + test, 3, 2)).astype("float32")
    t = ((np.arange(samples, dtype="float32") + 0.5) / samples)[:, None]
    rows = np.empty((train + test, size * size), "float32")
    for start in range(0, len(rows), chunk):
        first, middle, last = np.moveaxis(points[start : start + chunk, :, None], 1, 0)
        tangent = (last - first) / 6  # a third of the middle's velocity, half the way in time
        arcs = [
            (first, first + (middle - tangent - first) / 2, middle - tangent, middle),
            (middle, middle + tangent, last + (middle + tangent - last) / 2, last),
        ]
        ink = sum(_ink(arc, t, size, thickness) for arc in arcs)
        rows[start : start + chunk] = np.minimum(ink, 1).reshape(len(ink), -1)
    return rows[:train], rows[train:]


def _ink(arc, t, size, thickness):
    """A Bezier arc's Gaussian line integral at each pixel, 1 on a straight line."""
    a, b, c, d = arc
    place = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    speed = 3 * ((1 - t) ** 2 * (b - a) + 2 * (1 - t) * t * (c - b) + t**2 * (d - c))
    length = np.hypot(speed[..., 0], speed[..., 1]) / len(t)
    distance = (np.arange(size, dtype="float32") - place[..., None]) / thickness
    profile = np.exp(-(distance**2) / 2)  # (images, samples, 2, size)
    weighted = profile[:, :, 1] * (length / (thickness * np.sqrt(2 * np.pi)))[..., None]
    return np.swapaxes(weighted, 1, 2) @ profile[:, :, 0]


# The net and its loss


def network(inputs, settings):
    """Tanh layers down to a linear code and up again, sigmoid output; as in LocoProp's notebook."""
    hidden, start = settings["hidden_units"], "glorot_uniform"
    layers = [(units, "tanh") for units in hidden] + [(settings["code_units"], "linear")]
    layers += [(units, "tanh") for units in reversed(hidden)] + [(inputs, "sigmoid")]
    dense = [
        keras.layers.Dense(units, activation, kernel_initializer=start, bias_initializer=start)
        for units, activation in layers
    ]
    return keras.Sequential([keras.Input((inputs,)), *dense])


class PixelEntropy(keras.losses.Loss):
    """Binary cross-entropy in nats, summed over pixels; Keras' own is averaged over them."""

    def call(self, y_true, y_pred):
        return y_pred.shape[-1] * keras.losses.binary_crossentropy(y_true, y_pred)


class Judge(keras.layers.Layer):
    """Loss (nats) and mean squared error of each image, from the output layer's logits.

    From probabilities a cross-entropy would have to be clipped.
    """

    def __init__(self, output):
        super().__init__()
        self.output_layer = output

    def call(self, images, hidden):
        logits = ops.matmul(hidden, self.output_layer.kernel) + self.output_layer.bias
        nats = ops.sum(ops.softplus(logits) - images * logits, axis=-1)
        error = ops.mean(ops.square(ops.sigmoid(logits) - images), axis=-1)
        return ops.stack([nats, error], axis=-1)


def judge(net):
    """The model that judges the deployed network: images to rows of loss and error."""
    images, hidden = net.inputs[0], net.layers[-2].output
    return keras.Model(images, Judge(net.layers[-1])(images, hidden))


def reconstructions(net, images, count):
    """Some test images, evenly spaced, and what the deployed network makes of them, in 0 to 255."""
    chosen = images[np.arange(count) * len(images) // count]
    made = net.predict(chosen, verbose=0)
    size = int(np.sqrt(images.shape[1]))
    grey = [np.rint(255 * np.nan_to_num(part)).astype(int) for part in (chosen, made)]
    return {"size": size, "originals": grey[0], "reconstructions": grey[1]}


# Methods


class Linear(keras.optimizers.schedules.LearningRateSchedule):
    """Up linearly over a twentieth of the steps, then down linearly to zero; never zero itself."""

    def __init__(self, rate, steps):
        self.rate, self.steps = rate, steps

    def __call__(self, step):
        step, rise = ops.cast(step, "float32"), max(1, self.steps // WARM_UP)
        falling = (self.steps - step) / (self.steps - rise + 1)
        return self.rate * ops.minimum((step + 1) / rise, falling)

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps}


class Notebook(Linear):
    """The notebook's rate by epochs, over any number of steps: the same shape, squeezed."""

    def __call__(self, step):
        epoch = ops.floor_divide(ops.cast(step, "int32") * NOTEBOOK_EPOCHS, self.steps)
        epoch, rise = ops.cast(epoch, "float32"), NOTEBOOK_WARM_UP
        falling = 1 - (epoch + 1 - rise) / (NOTEBOOK_EPOCHS + 1 - rise)
        return self.rate * ops.where(epoch < rise, epoch / rise, falling)


SCHEDULES = {"linear": Linear, "notebook": Notebook}


def _sgd(rate, settings):
    return keras.optimizers.SGD(rate)


def _momentum(rate, settings):
    return keras.optimizers.SGD(rate, settings["momentum"])


def _nesterov(rate, settings):
    return keras.optimizers.SGD(rate, settings["momentum"], nesterov=True)


def _muon(rate, settings):  # no other method decays its weights
    return keras.optimizers.Muon(rate, weight_decay=0.0, adam_weight_decay=0.0)


def local_optimizer(rate, settings):
    """RMSprop as in the notebook, whose momentum is a setting."""
    return keras.optimizers.RMSprop(rate, rho=0.9, momentum=settings["momentum"], epsilon=1e-5)


OPTIMIZERS = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": lambda rate, settings: keras.optimizers.Adagrad(rate),
    "adadelta": lambda rate, settings: keras.optimizers.Adadelta(rate),
    "rmsprop": lambda rate, settings: keras.optimizers.RMSprop(rate),
    "adam": lambda rate, settings: keras.optimizers.Adam(rate),
    "muon": _muon,
    "rmsprop_momentum": local_optimizer,
}
LOCAL = {"locoprop_s": locoprop_s, "locoprop_m": locoprop_m}


def method(net, settings, steps):
    """The compiled model that trains `net` by the run's method in `steps` batches."""
    name, rate = settings["method"], settings["learning_rate"]
    schedule = SCHEDULES[settings["schedule"]]
    if name in OPTIMIZERS:
        net.compile(OPTIMIZERS[name](schedule(rate, steps), settings), PixelEntropy())
        return net
    if name in LOCAL:
        optimizer, step = _local(settings, schedule, steps)
        sizes = {"step_size": settings["step_size"], "weight_step": step}
        return LOCAL[name](net, PixelEntropy(), optimizer, deployed_every=0, **sizes)
    if name == "inferred":
        model = _inferred(net, settings)
        model.compile(keras.optimizers.Adam(schedule(rate, steps)), PixelEntropy())
        return model
    known = ", ".join([*OPTIMIZERS, *LOCAL, "inferred"])
    raise ValueError(f"`method` must be one of {known}. Received: method={name!r}")


def _local(settings, schedule, steps):
    """Optimizer and weight step of LocoProp: local steps, or the closed form where eta is given."""
    if settings["eta"] is not None:  # every weight is solved for: the optimizer counts batches
        return keras.optimizers.SGD(), raikeras.ClosedForm(schedule(settings["eta"], steps))
    count = settings["local_steps"]  # the optimizer counts local steps
    optimizer = local_optimizer(schedule(settings["learning_rate"], count * steps), settings)
    return optimizer, raikeras.Local(count, lowest_rate=settings["lowest_rate"])


def _inferred(net, settings):
    """Targets of the hidden layers, found afresh in every batch."""
    hidden, weight = [layer.name for layer in net.layers[:-1]], settings["hidden_weight"]
    return raikeras.RelaxedModel(
        net,
        targets=raikeras.Inferred(
            settings["inner_steps"] or len(hidden), settings["target_rate"] / weight
        ),
        relax=hidden,
        hidden_loss=raikeras.losses.HalfSquaredError("sum_over_batch_size"),
        hidden_weight=weight,
        deployed_every=0,
    )


# Training


class Watch(minibatch.Watch):
    """Judges the deployed network after every epoch; its own time is not counted."""

    def __init__(self, run, net, data, epochs):
        super().__init__(run, net, data, epochs)
        names = "iteration epoch seconds train_loss test_loss train_error test_error"
        self.curves = {name: [] for name in names.split()}
        self._judge = judge(net)

    def _measure(self, epoch, logs):
        rows = [
            self._judge.predict(images, batch_size=2000, verbose=0).mean(0, dtype="float64")
            for images in self._data
        ]
        row = (self.steps, epoch, self.seconds, *np.transpose(rows).ravel())
        for values, value in zip(self.curves.values(), row, strict=True):
            values.append(round(float(value), 6))


def train(run, net, data):
    """Trains and returns metrics, curves and status, as `results.save` takes them."""
    settings, images = run["settings"], data[0]
    order = settings["batch_size"], 1, run["seed"]
    batches = minibatch.Batches(images, images, *order, ids=False)
    steps = len(batches) * settings["epochs"]
    model = method(net, settings, steps)
    watch = Watch(run, net, data, settings["epochs"])
    model.fit(batches, shuffle=False, epochs=settings["epochs"], verbose=0, callbacks=[watch])
    last = {name: values[-1] for name, values in watch.curves.items()}
    metrics = {
        **{name: last[name] for name in ("train_loss", "test_loss", "train_error", "test_error")},
        "seconds": watch.seconds,
        "milliseconds": 1000 * watch.seconds / max(1, watch.steps - 1),  # the first is compiled
        "compile_seconds": watch.first,
        "epochs": last["epoch"],
        "iterations": watch.steps,
    }
    finite = np.isfinite([last["train_loss"], last["test_loss"]]).all() and watch.steps == steps
    return metrics, watch.curves, "ok" if finite else "diverged"
