"""`Teacher`: targets from another trained net (distillation)."""

from typing import Any

import keras

from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.network.select_layers import choose_layers
from raikeras.rows.layout import regrouped
from raikeras.targets.base import StepView, TargetRule, Targets
from raikeras.typing import Config


class Teacher(TargetRule):
    """Distillation: a layer's target is what the same layer of a teacher says of the example.

    With `hidden_loss="matching"` a student's layers minimise the Bregman divergence between their
    own pre-activations and the teacher's, each by itself and fed by the student's own forward
    pass; at a softmax output that is the Kullback-Leibler divergence of usual distillation. This is
    the Bregman distillation that Amid et al. (LocoProp, 2022) name as further work. Labels act on
    layers that are not relaxed alone.

    Teacher and student need the same relaxed layers: as many, of the same output shapes, in the
    same order. The teacher is run in inference mode and not trained. A `RelaxedModel` with a
    teacher cannot be saved; its `net` can.

    Args:
        net: A built Sequential or Functional model, the teacher. Its inputs are the student's.
        relax: Which of its layers are the student's relaxed layers, see `RelaxedModel`.

    Raises:
        ValueError: On the first step, if teacher and student do not fit.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        student, targets=raikeras.Teacher(teacher), hidden_loss="matching"
    )
    ```
    """

    follows_gradient = False

    def __init__(self, net: keras.Model, relax: Any = keras.layers.Dense) -> None:
        if not isinstance(net, keras.Model) or not net.built or not getattr(net, "inputs", None):
            raise ValueError(
                f"`net` must be a built Sequential or Functional model. Received: net={net!r}"
            )
        self.net, self.relax = net, relax

    def set(self, step: StepView) -> Targets:
        at = "pre_activation" if step.network.target_before else "post_activation"
        network = RelaxedNetwork(self.net, choose_layers(self.net, self.relax), at, stack=False)
        shapes = [[cut.shape for cut in one.cuts] for one in (network, step.network)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "Teacher and student must have relaxed layers of the same shapes. Received: "
                f"teacher={shapes[0]}, student={shapes[1]}"
            )
        # In a scope of its own, so that no state of the teacher follows the pass.
        state = [(variable, variable.value) for variable in self.net.variables]
        with keras.StatelessScope(state, collect_losses=True):
            values = network.record(step.x)[1]
        values = regrouped(values, network.groups, step.network.groups)
        return Targets(values, fed=step.values())

    def get_config(self) -> Config:
        raise ValueError(
            "A model with a teacher cannot be saved, for its configuration does not hold the "
            "teacher's weights: save its `net`. Received: targets=Teacher(...)"
        )
