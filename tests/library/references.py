"""NumPy references of update rules that Keras does not have."""

import numpy as np


class RpropReference:
    """Rprop on one array, element by element, as the paper's pseudocode reads.

    A sign change shrinks the step size, moves nothing and forgets the gradient.
    """

    def __init__(self, value, step_size, decrease=0.5, increase=1.2, low=1e-6, high=50.0):
        self.value = np.array(value, "float64")
        self.step_sizes = np.full(self.value.shape, float(step_size))
        self.previous = np.zeros(self.value.shape)
        self.decrease, self.increase, self.low, self.high = decrease, increase, low, high

    def step(self, gradient):
        for index in np.ndindex(self.value.shape):
            slope = float(gradient[index])
            if slope * self.previous[index] > 0:
                grown = self.step_sizes[index] * self.increase
                self.step_sizes[index] = min(grown, self.high)
            elif slope * self.previous[index] < 0:
                shrunk = self.step_sizes[index] * self.decrease
                self.step_sizes[index] = max(shrunk, self.low)
                slope = 0.0
            if slope > 0:
                self.value[index] -= self.step_sizes[index]
            elif slope < 0:
                self.value[index] += self.step_sizes[index]
            self.previous[index] = slope
        return self.value
