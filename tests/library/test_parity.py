"""The published RAI code's losses, iteration by iteration, are met through the public API.

The numbers were printed by the author's PyTorch implementation (damertensv/rai) from the stored
initial weights: 71 moons, a 10 x 32 sigmoid net, every Linear layer relaxed, Rprop 0.1.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
FIRST_DIFFERENCE = 56  # float32 trajectories of the author's own code part from float64 here


@pytest.mark.parametrize(
    ("floatx", "iterations", "tolerance"), [("float64", 300, 1e-9), ("float32", 50, 1e-3)]
)
def test_losses_of_the_published_code_are_met(floatx, iterations, tolerance):
    assert floatx == "float64" or iterations < FIRST_DIFFERENCE
    run = subprocess.run(
        [sys.executable, HERE / "parity_run.py", floatx], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    losses = json.loads(run.stdout.splitlines()[-1])
    expected = np.load(HERE / "data" / "rai_depth10_sigmoid.npz")["loss_float64"][:iterations]
    for column, key in enumerate(("loss", "task_loss", "hidden_loss")):
        # The first hidden loss is exactly 0: targets start at the forward pass.
        np.testing.assert_allclose(
            losses[key], expected[:, column], rtol=tolerance, atol=0, err_msg=key
        )
