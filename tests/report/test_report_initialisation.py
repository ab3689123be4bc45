"""The report's numbers on gains and rates and on batch sizes, on made-up results."""

import re
from pathlib import Path

import numpy as np
import pytest
from initialisation_run import batches_part, initialisation_part

from report import batches, initialisation, latex

REPORT = Path(__file__).resolve().parents[2] / "report"


def phases(variant, seed, **changes):
    run = {"experiment": initialisation.EXPERIMENT, "variant": variant, "seed": seed}
    run |= {"status": "ok", "landscape": None} | initialisation_part(seed)
    run["curves"] |= changes.get("curves", {})
    run["settings"] |= changes.get("settings", {})
    return run


def test_cells_are_shares_over_the_runs():
    gains, rates, share = initialisation.cells([phases("bp_10", seed) for seed in range(4)])
    assert (gains, rates) == ([1.0, 1.25, 1.5], [1e-3, 1e-2, 1e-1])
    np.testing.assert_array_equal(share, [[0, 0, 0], [0.25, 1, 0], [0, 0, 0]])


def test_wide_nets_agree_where_most_narrow_ones_end_alike():
    narrow = [phases("bp_10", seed) for seed in range(3)]
    wide = phases(
        "bp_wide",
        0,
        curves={"gains": [1.25, 1.5], "rates": [1e-3, 1e-1], "success": [[True, False]] * 2},
    )
    # Of the four cells the wide net succeeds in two; most narrow nets in none of them.
    assert initialisation.agreement([*narrow, wide], "bp") == (2, 4)
    far = {"gains": [1.3], "rates": [1e-2], "success": [[True]]}
    assert initialisation.agreement([*narrow, phases("bp_wide", 0, curves=far)], "bp") == (0, 0)
    assert initialisation.agreement(narrow, "bp") == (0, 0)


def test_a_region_is_written_as_the_factor_that_its_doublings_span():
    found = initialisation.macros([phases("rai_100", 0)], initialisation.EXPERIMENT)
    assert found["EFourRaiOneZeroZeroGainOctaves"] == "2.00"
    assert found["EFourRaiOneZeroZeroShare"] == "10.0"
    assert found["EFourBpOneZeroGainOctaves"] == latex.NONE
    assert initialisation.WRITE["gain_octaves"](0.0) == "none"


def test_every_macro_of_the_sections_is_defined_whatever_a_profile_has():
    sizes = [
        {"experiment": batches.EXPERIMENT, "variant": v, "seed": 0, **batches_part(0)}
        for v in ("bp", "learned", "refreshed", "inferred")
    ]
    defined = initialisation.macros([], initialisation.EXPERIMENT)
    defined |= batches.macros(sizes, batches.EXPERIMENT)
    text = "".join(
        (REPORT / "sections" / f"{name}.tex").read_text()
        for name in ("initialisation", "minibatch")
    )
    used = set(re.findall(r"\\((?:EFour|ESevenBatches)[A-Za-z]+)", text))
    assert used <= set(defined), used - set(defined)


def test_batches_are_ordered_with_all_examples_last():
    run = {"variant": "bp", "seed": 0, **batches_part(0)}
    assert batches.sizes([run]) == [4, 0]
    assert batches.estimate([run], "bp", "accuracy_all").value == pytest.approx(0.6)
    assert batches.seconds([run], "bp", 4) == 0.5
    assert batches.kilobytes([run], "bp") == 4.0
    found = batches.macros([run], batches.EXPERIMENT)
    assert found["ESevenBatchesBpAccuracyFour"] == "0.900"
    assert found["ESevenBatchesBpAccuracyOneSix"] == latex.NONE
    assert found["ESevenBatchesTrials"] == r"\num{2}"
