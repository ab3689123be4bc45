"""The training step: targets are set, gradients taken, rows and weights follow."""
