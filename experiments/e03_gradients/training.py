"""What e03 measures with the library: gradients by layer along training, and their locality."""

import keras
import numpy as np

from experiments.e03_gradients.gradients import plain_net
from raikeras.callbacks import GradientNorms
from raikeras.diagnostics import gradient_norms
from raikeras.initializers import isometric_start
from raikeras.model import RelaxedModel
from raikeras.presets import rai_as_code
from raikeras.rows.layout import from_cuts
from raikeras.targets import TargetRule


def fitted(method, seed, settings, x, y):
    """log10 of the norms by layer along a training; steps `(samples,)`, norms `(samples, layers)`.

    Every one of the first steps is kept, then every so many.
    """
    keras.utils.set_random_seed(seed)
    net = plain_net(settings["trained_depth"], settings)
    loss, model, watched = keras.losses.BinaryCrossentropy(from_logits=True), net, x
    if method == "rai":
        model = rai_as_code(net, loss, settings["rai_rate"], deployed_every=0)
        watched = {"inputs": x, "example_id": np.arange(len(x), dtype="int32")}
    elif method in ("bp_default", "bp_isometric"):
        if method == "bp_isometric":
            isometric_start(net, seed=seed)
        net.compile(keras.optimizers.Adam(settings["bp_rate"]), loss)
    else:
        raise ValueError(f"`fits` must name bp_default, bp_isometric or rai. Received: {method!r}")
    norms, count = GradientNorms(watched, y, every=1), settings["iterations"]
    model.fit(x, y, batch_size=len(x), epochs=count, shuffle=False, verbose=0, callbacks=[norms])
    table = np.transpose([norms.history[name] for name in norms.history if name != "step"])
    kept = [
        step
        for step in norms.history["step"]
        if step <= settings["first_steps"] or step % settings["steps_apart"] == 0
    ]
    with np.errstate(divide="ignore"):
        return kept, np.round(np.log10(table[kept]), 4)


def along_training(seed, settings, x, y):
    """Metrics and curves of all trainings of a run.

    A ratio is the mean over the second half of the iterations of log10(first layer's norm over the
    last hidden layer's).
    """
    metrics, curves = {}, {}
    for method in settings["fits"]:
        steps, norms = fitted(method, seed, settings, x, y)
        curves |= {f"{method}_steps": steps, f"{method}_by_step": norms}
        late = norms[np.array(steps) >= settings["iterations"] / 2]
        metrics[f"{method}_orders"] = float(np.mean(late[:, 0] - late[:, -2]))
    return metrics, curves


class Shifted(TargetRule):
    """Targets at a given distance from the forward pass: `shift` of shape `(n, most units)`."""

    def __init__(self, shift):
        self.shift = shift

    def set(self, step):
        edges = np.cumsum([cut.size for cut in step.network.cuts])
        shifts = np.split(self.shift[:, : edges[-1]], edges[:-1], axis=1)
        pairs = zip(step.values(), from_cuts(step.network.groups, shifts), strict=True)
        return [at + keras.ops.convert_to_tensor(shift) for at, shift in pairs]


def locality(seed, settings, x, y):
    """The gradients of the same lowest layers, fed and aimed alike, below few and many others.

    Returns:
        Metrics: the largest relative difference of RAI's, by activation and over all of them, and
        by how many orders of magnitude backprop's differ in the first layer.
    """
    metrics = {}
    few, many = settings["local_depths"]
    size = settings["units"] * many + 1
    shift = np.random.default_rng(seed).normal(0, settings["shift"], (len(x), size))
    for name in settings["local_activations"]:
        keras.utils.set_random_seed(seed)
        chosen = settings | {"activation": name}
        nets = [plain_net(depth, chosen) for depth in (few, many)]
        for low, high in zip(nets[0].layers[:few], nets[1].layers[:few], strict=True):
            low.set_weights(high.get_weights())
        relaxed, plain = [], []
        for net in nets:
            model = RelaxedModel(net, targets=Shifted(np.float32(shift)), deployed_every=0)
            for each, norms in ((net, plain), (model, relaxed)):
                each.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
                norms.append(np.array(list(gradient_norms(each, x, y).values()))[:few])
        metrics[f"{name}_local_error"] = float(np.max(np.abs(relaxed[0] / relaxed[1] - 1)))
        metrics[f"{name}_bp_orders"] = float(np.log10(plain[1][0] / plain[0][0]))
        keras.utils.clear_session()
    errors = [metrics[f"{name}_local_error"] for name in settings["local_activations"]]
    return metrics | {"local_error": max(errors)}
