"""All backends find the same numbers."""

import json

import agreement
import numpy as np
import pytest

RECORDED = json.loads(agreement.FILE.read_text("utf-8"))  # on JAX


@pytest.mark.parametrize("case", agreement.CASES)
def test_every_backend_trains_to_the_same_numbers(case):
    np.testing.assert_allclose(agreement.trained(case), RECORDED[case], rtol=2e-5, atol=2e-6)
