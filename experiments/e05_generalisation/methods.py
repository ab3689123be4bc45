"""The methods of e05: one net, one loss, six settings each; see `Knobs` for their names.

On every split held-out rows choose among the six. These were laid after exploratory runs on the
held-out rows of splits 0 to 3 of concrete, diabetes, digits and wine; test rows were not looked at.
"""

import keras

import raikeras
from experiments.common.knobs import Knobs, RpropKnobs
from experiments.common.tabular_training import Plan, loss_of, network, on_sets

LOCAL_STEPS = 3
INFERENCE_STEPS = 3


def _grid(**choices):
    """Every combination of two lists of values, as dicts."""
    (one, first), (two, second) = choices.items()
    return [{one: a, two: b} for a in first for b in second]


TRIALS = {
    "bp": [{"rate": rate} for rate in (3e-4, 1e-3, 3e-3, 1e-2, 2e-2, 3e-2)],
    "rai_source": [{"rate": rate} for rate in (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1)],
    "rai_growing": _grid(rate=(1e-2, 3e-2), target_rate=(0.1, 0.3, 1.0)),
    "inferred": _grid(rate=(3e-3, 1e-2), weight=(1.0, 30.0, 1e3)),
    "locoprop_s": _grid(rate=(3e-3, 1e-2), step_size=(0.3, 3.0, 30.0)),
    "locoprop_m": _grid(rate=(3e-3, 1e-2), step_size=(0.3, 3.0, 30.0)),
}
FULL_BATCH = {"rai_source": "source_steps", "rai_growing": "growing_steps"}


def plan(method):
    """How a method is trained on a data set: see `tabular_training.Plan`."""
    if method not in TRIALS:
        raise ValueError(f"`method` must be one of {', '.join(TRIALS)}. Received: {method!r}")

    def build(shape, steps, settings):
        return compiled(method, network(*shape), loss_of(shape[1]), steps, settings)

    return Plan(TRIALS[method], build, FULL_BATCH.get(method), method == "rai_source")


def compiled(method, net, loss, steps, settings):
    """The `RelaxedModel` that trains `net` by a method, with knobs for what its trials change.

    Args:
        method: A key of `TRIALS`.
        net: The net.
        loss: The task loss.
        steps: Integer, training steps of a run.
        settings: The run's settings: `first_weight` and `last_weight` of the growing weight.
    """
    if method == "rai_source":
        optimizer = raikeras.optimizers.Rprop(0.1)
        model = raikeras.RelaxedModel(net, deployed_every=0)
        model.knobs = RpropKnobs(optimizer)
        model.compile(optimizer, loss)
        return model
    numbers = {"rate": 1e-3, "target_rate": 1e-2, "weight": 1.0, "step_size": 1.0}
    numbers |= {"first": settings["first_weight"], "last": settings["last_weight"]}
    knobs = Knobs(**numbers)
    local = method.startswith("locoprop")
    rate = knobs.falling("rate", steps * LOCAL_STEPS if local else steps)
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99 if method == "rai_growing" else 0.999)
    model = (_locoprop if local else _relaxed)(method, net, loss, optimizer, knobs, steps)
    model.knobs = knobs
    model.compile(optimizer, loss)
    return model


def _relaxed(method, net, loss, optimizer, knobs, steps):
    """Backprop, RAI with a growing weight or inferred targets; the output layer is not relaxed."""
    if method == "bp":
        return raikeras.RelaxedModel(net, relax=(), deployed_every=0)
    hidden = [layer.name for layer in net.layers][:-1]
    if method == "rai_growing":
        follow = keras.optimizers.Adam(knobs.falling("target_rate", steps), beta_2=0.99)
        rule, weight = raikeras.Learned(optimizer=follow), knobs.growing("first", "last", steps)
    else:
        # A step removes .3 of a mismatch, whatever the weight of the mean over units.
        share = 0.3 * net.layers[0].units / 2
        follow = keras.optimizers.SGD(knobs.over(share, "weight"))
        rule = raikeras.Inferred(INFERENCE_STEPS, optimizer=follow)
        weight = knobs.constant("weight")
    return raikeras.RelaxedModel(
        net, targets=rule, relax=hidden, hidden_weight=weight, deployed_every=0
    )


def _locoprop(method, net, loss, optimizer, knobs, steps):
    """LocoProp-S or -M with a few local steps a batch."""
    preset = getattr(raikeras.presets, method)
    local = raikeras.Local(LOCAL_STEPS, lowest_rate=0.25)
    model = preset(net, loss, optimizer, weight_step=local, deployed_every=0)
    model.target_rule.step_size = knobs["step_size"]
    return model


def results_of(run, splits):
    """Metrics and curves by split, all splits of a data set being trained at once."""
    return on_sets(plan(run["settings"]["method"]), run["settings"]["sets"], splits, run)
