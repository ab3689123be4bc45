"""Numbers in which runs of one compiled model differ, and the schedules that read them."""

import keras
from keras import ops


class Knobs(keras.layers.Layer):
    """Numbers in which runs differ, each a scalar variable that a step may read.

    `model.knobs = knobs` makes them part of the model's state. Optimizers and hidden weights read
    them through the schedules below, regularizers through `knobs[name]`.

    Example:

    ```python
    knobs = Knobs(rate=1e-3, first=4.0, last=1e4)
    model = RelaxedModel(net, hidden_weight=knobs.growing("first", "last", steps))
    model.knobs = knobs
    model.compile(keras.optimizers.Adam(knobs.falling("rate", steps)), loss)
    ```
    """

    def __init__(self, **numbers: float):
        super().__init__(name="knobs")
        self._by_name = {
            name: self.add_weight(
                name=name, shape=(), initializer=keras.initializers.Constant(value), trainable=False
            )
            for name, value in numbers.items()
        }
        self.built = True

    def __getitem__(self, name: str) -> keras.Variable:
        if name not in self._by_name:
            raise ValueError(f"There are knobs {sorted(self._by_name)}. Received: {name!r}")
        return self._by_name[name]

    def constant(self, name: str):
        """A schedule that stays at the knob's value."""
        return _Schedule(lambda step: self[name] * 1.0)

    def over(self, number: float, name: str):
        """A schedule that stays at a number divided by the knob's value."""
        return _Schedule(lambda step: number / self[name])

    def falling(self, name: str, steps: int, last: float = 0.02):
        """From the knob's value linearly down to `last` of it, as `presets.adam_with_decay`."""
        return _Schedule(lambda step: self[name] * (1 - (1 - last) * _share(step, steps)))

    def growing(self, first: str, last: str, steps: int):
        """From one knob's value geometrically to another's; it grows on after `steps`."""
        return _Schedule(
            lambda step: (
                self[first] * ops.power(self[last] / self[first], ops.cast(step, "float32") / steps)
            )
        )


class RpropKnobs(Knobs):
    """Rprop reads its initial step size from a variable of its own: that one is the knob `rate`.

    Args:
        optimizer: The model's `raikeras.optimizers.Rprop`.
    """

    def __init__(self, optimizer):
        super().__init__()
        self.optimizer = optimizer

    def __getitem__(self, name):
        return self.optimizer.learning_rate if name == "rate" else super().__getitem__(name)


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, function):
        self._function = function

    def __call__(self, step):
        return self._function(step)

    def get_config(self):
        raise NotImplementedError("A schedule that reads knobs lives as long as its sweep.")


def _share(step, steps: int):
    return ops.minimum(ops.cast(step, "float32") / steps, 1.0)
