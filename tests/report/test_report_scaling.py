"""The scaling study's frames and macros on made-up runs with known numbers."""

import json

import numpy as np
import pytest
from report_run import write
from scaling_run import DEPTHS, scaling_part

from experiments.driver import confirm
from experiments.driver.errors import DriverError
from report.lib import load, metrics
from report.studies.e14_scaling import devices, numbers, sweep
from report.studies.e14_scaling.looks import EXPERIMENT


@pytest.fixture
def runs():
    seeds = {name: 1 if "sweep" in name else 3 for name in EXPERIMENT.variants}
    source = {"provenance": {"processor": "a & b", "threads": 2}, "status": "ok"}
    source |= {"experiment": EXPERIMENT.name}
    return [
        {"variant": name, "seed": seed, **source, **scaling_part(seed)}
        for name, count in seeds.items()
        for seed in range(count)
    ]


def test_estimate_is_the_mean_over_repetitions_of_one_backend(runs):
    found = metrics.mean(load.of(runs, "jax"), "backprop_rprop_seconds")
    assert found.n == 3
    assert found.value == pytest.approx(0.04 + 1e-4)
    assert metrics.mean(load.of(runs, "jax"), "floor_rprop_rows_bytes").n == 0


def test_along_keeps_the_centre_and_the_points_of_one_dimension(runs):
    frame = sweep.sweep(runs, "jax")
    assert sweep.along(frame, "depth")["depth"].tolist() == list(DEPTHS)
    assert sweep.along(frame, "batch")["depth"].tolist() == [4]


def test_what_was_not_run_is_nan_and_named_with_its_reason(runs):
    frame = sweep.sweep(runs, "tensorflow")
    assert np.isnan(sweep.column(frame, "backprop", "seconds")).tolist() == [False, False, True]
    assert sweep.reasons(runs) == [
        f"{method} on {backend}: deeper than 8 layers"
        for method in ("RAI, layer by layer", "backprop")
        for backend in ("JAX", "TensorFlow")
    ]


def test_macros_hold_centre_deepest_point_and_hardware(runs, tmp_path):
    found = numbers.macros(write(tmp_path, runs))
    assert found["EOneFourJaxFusedRpropRatio"] == r"\num{0.25}"
    assert found["EOneFourJaxFusedRpropRatioCI"] == r"\num{0.25} [\num{0.25},\,\num{0.25}]"
    assert found["EOneFourTensorflowFusedSgdFloorRatio"] == r"\num{2.0}"
    assert found["EOneFourTensorflowDeep"] == r"\num{16}"
    assert found["EOneFourTensorflowDeepFusedFirstSeconds"] == r"\num{32}\,s"
    assert found["EOneFourTensorflowDeepBackpropSeconds"] == r"--\,ms"
    assert found["EOneFourJaxFusedRpropRowsBytes"] == r"\num{2.0}\,MiB"
    assert (found["EOneFourProcessor"], found["EOneFourN"]) == (r"a \& b", "3")


def test_confirm_and_verify_never_fail_on_times_ratios_and_sizes(runs, tmp_path):
    old, new = (json.loads(json.dumps({**run, "landscape": None})) for run in (runs[0], runs[1]))
    assert old["metrics"] != new["metrics"] and old["curves"] != new["curves"]
    files = [tmp_path / name for name in ("old.json", "new.json")]
    for file, run in zip(files, (old, new), strict=True):
        file.write_text(json.dumps(run))
    confirm.compare(*files, "e14_scaling")
    new["settings"]["got_later"] = 1  # at its default: whether it changes anything, numbers tell
    files[1].write_text(json.dumps(new))
    confirm.compare(*files, "e14_scaling")
    new["curves"]["depth"][1] = 9
    files[1].write_text(json.dumps(new))
    with pytest.raises(DriverError, match="curves differ, first in depth"):
        confirm.compare(*files, "e14_scaling")


def test_devices_are_computed_as_by_hand():
    assumed = {
        "devices": 4,
        "layers": 10,
        "micro_batches": 2,
        "operations_per_second": 1e3,
        "bytes_per_second": 1e9,
        "launch_seconds": 1e-3,
        "link_bytes_per_second": 1e4,
        "link_seconds": 0.5,
    }
    alone, pipeline, fused, spread = devices.ways(assumed, 10)
    product = 2 * 10 * 10**2 / 1e3  # two seconds
    assert alone.seconds == pytest.approx(30 * product) and alone.kernels == 30
    assert fused.seconds == pytest.approx(30 * product) and fused.kernels == 3
    message = 0.5 + 400 / 1e4
    assert spread.seconds == pytest.approx(3 * 3 * product + 3 * message)  # three layers each
    assert spread.exchanged == 3 * 400
    slot = 3 * 3 * product / 2 + 2 * (0.5 + 200 / 1e4)
    assert pipeline.seconds == pytest.approx((2 + 4 - 1) * slot)
    slow = assumed | {"bytes_per_second": 1.0, "launch_seconds": 0.1}
    assert devices.kernel(slow, 1, 10, 10) == 4 * 300  # memory
    assert devices.kernel(assumed | {"launch_seconds": 9.0}, 1, 10, 10) == 9.0
