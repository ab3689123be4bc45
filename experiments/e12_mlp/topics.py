"""The topics of e12, each with the function that gives a run's metrics, curves and status."""

from experiments.e12_mlp import (
    curvature,
    gate_nets,
    gradient_noise,
    linear_nets,
    objectives,
    penalties,
    pruning,
    relaxed_small,
    starts,
    update_rules,
)

TOPICS = {
    "gates": gate_nets.measure,
    "starts": starts.measure,
    "rules": update_rules.measure,
    "batches": gradient_noise.measure,
    "losses": objectives.measure,
    "regularisation": penalties.measure,
    "linear": linear_nets.measure,
    "pruning": pruning.measure,
    "second_order": curvature.measure,
    "relaxed": relaxed_small.measure,
}
