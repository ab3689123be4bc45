"""Trains a net by RAI and holds residuals against the deployed network on the way."""

import keras
import numpy as np

import raikeras
from experiments.common.moons import moons
from experiments.e20_price.price import measures, paths
from experiments.results import progress
from raikeras.initializers import isometric_start
from raikeras.presets import adam_with_decay, growing

LOSSES = ("task_loss", "deployed_loss", "predicted_loss")
RATIOS = ("bound_orders", "price_orders", "discount_orders")


def built(settings, seed: int) -> tuple[keras.Sequential, raikeras.RelaxedModel]:
    """The net at its start, and the model: the hidden weight stays or grows to `last_weight`."""
    hidden = [keras.layers.Dense(settings["units"], "sigmoid") for _ in range(settings["depth"])]
    net = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1)])
    isometric_start(net, seed=settings["first_seed"] + seed)
    steps, follow = settings["iterations"], settings["target_rate"]
    model = raikeras.RelaxedModel(
        net,
        relax=[layer.name for layer in net.layers[:-1]],
        targets=raikeras.Learned(optimizer=adam_with_decay(follow, steps)),
        hidden_weight=growing(settings["first_weight"], settings["last_weight"], steps),
        deployed_every=0,
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(adam_with_decay(settings["learning_rate"], steps), loss)
    return net, model


class Watch(keras.callbacks.Callback):
    """Notes the measures after chosen iterations."""

    def __init__(self, run, net, data):
        super().__init__()
        self._run, self._net, self._data = run, net, data
        steps = run["settings"]["iterations"]
        points = np.geomspace(1, steps, run["settings"]["samples"]).round().astype(int)
        self._wanted = {*points.tolist()}
        self.curves: dict[str, list] = {name: [] for name in ("iteration", *LOSSES, *RATIOS)}

    def on_epoch_end(self, epoch, logs=None):
        iteration = epoch + 1
        if iteration not in self._wanted:
            return
        x, y = self._data[:2]
        rows = self.model.targets(np.arange(len(x)))
        targets = [rows[layer.name] for layer in self._net.layers[:-1]]
        self.paths = paths(self._net.get_weights(), targets, x)
        self.curves["iteration"].append(iteration)
        for name, value in measures(self.paths, y[:, 0]).items():
            self.curves[name].append(round(value, 6))
        progress(self._run, iteration, self._run["settings"]["iterations"])


def measured(run) -> tuple[dict, dict, str]:
    """Metrics, curves and status, for `results.save`."""
    settings = run["settings"]
    data = moons(settings)
    net, model = built(settings, run["seed"])
    watch = Watch(run, net, data)
    x, y, x_test, y_test = data
    model.fit(
        *(x, y),
        batch_size=len(x),
        shuffle=False,
        epochs=settings["iterations"],
        verbose=0,
        callbacks=[watch],
    )
    last = {name: values[-1] for name, values in watch.curves.items() if name != "iteration"}
    right = (net.predict(x_test, verbose=0) > 0) == (y_test > 0.5)
    metrics = last | {
        "prediction_orders": abs(float(np.log10(last["predicted_loss"] / last["deployed_loss"]))),
        "test_accuracy": float(right.mean()),
    }
    residuals, secants = (
        np.log10(np.maximum(one, 1e-30)).mean(axis=1).round(4).tolist()
        for one in (watch.paths.residuals, watch.paths.secants)
    )
    curves = watch.curves | {"residual_orders": residuals, "secant_orders": secants}
    status = "ok" if np.isfinite(list(metrics.values())).all() else "diverged"
    return metrics, curves, status
