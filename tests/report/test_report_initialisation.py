"""The report's numbers on gains and rates and on batch sizes, on made-up results."""

import re
from pathlib import Path

import numpy as np
import pytest
from initialisation_run import batches_part, initialisation_part
from report_run import write

from report.lib import latex, load, metrics
from report.studies.e04_initialisation import numbers, regions
from report.studies.e07_batches import numbers as numbers_of_batches
from report.studies.e07_batches import sizes
from report.studies.e07_batches.looks import EXPERIMENT as BATCHES

REPORT = Path(__file__).resolve().parents[2] / "report"


def phases(variant, seed, **changes):
    run = {"experiment": "e04_initialisation", "variant": variant, "seed": seed}
    run |= {"status": "ok", "landscape": None} | initialisation_part(seed)
    run["curves"] |= changes.get("curves", {})
    run["settings"] |= changes.get("settings", {})
    return run


def test_cells_are_shares_over_the_runs():
    gains, rates, share = regions.cells([phases("bp_10", seed) for seed in range(4)])
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
    assert regions.agreement([*narrow, wide], "bp") == (2, 4)
    far = {"gains": [1.3], "rates": [1e-2], "success": [[True]]}
    assert regions.agreement([*narrow, phases("bp_wide", 0, curves=far)], "bp") == (0, 0)
    assert regions.agreement(narrow, "bp") == (0, 0)


def test_a_region_is_written_as_the_factor_that_its_doublings_span(tmp_path):
    found = numbers.macros(write(tmp_path, [phases("rai_100", 0)]))
    assert found["EFourRaiOneZeroZeroGainOctaves"] == "2.00"
    assert found["EFourRaiOneZeroZeroShare"] == "10.0"
    assert found["EFourBpOneZeroGainOctaves"] == latex.NONE
    assert regions.WRITE["gain_octaves"](0.0) == "none"


def batches(variant):
    return {"experiment": BATCHES.name, "variant": variant, "seed": 0, **batches_part(0)}


def test_every_macro_of_the_sections_is_defined_whatever_a_profile_has(tmp_path):
    defined = numbers.macros(tmp_path)
    defined |= numbers_of_batches.macros(write(tmp_path, [*map(batches, BATCHES.variants)]))
    text = "".join(
        (REPORT / "supplement" / f"{name}.tex").read_text()
        for name in ("initialisation", "minibatch")
    )
    # Shared settings, \EFourSet..., are macros of the overview.
    used = set(re.findall(r"\\((?:EFour|ESevenBatches)(?!Set)[A-Za-z]+)", text))
    assert used <= set(defined), used - set(defined)


def test_batches_are_ordered_with_all_examples_last(tmp_path):
    run = batches("bp")
    assert sizes.sizes([run]) == [4, 0]
    assert metrics.mean([run], "accuracy_all").value == pytest.approx(0.6)
    assert sizes.seconds([run], "bp", 4) == 0.5
    assert sizes.kilobytes([run], "bp") == 4.0
    results = write(tmp_path, [*map(batches, BATCHES.variants)])
    assert len(load.runs(results, BATCHES)) == len(BATCHES.variants)
    found = numbers_of_batches.macros(results)
    assert found["ESevenBatchesBpAccuracyFour"] == "0.900"
    assert found["ESevenBatchesBpAccuracyOneSix"] == latex.NONE
    assert found["ESevenBatchesTrials"] == r"\num{2}"
