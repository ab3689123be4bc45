"""Layers spread over devices: the same numbers, no weights on the way, several processes."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import raikeras

HERE = Path(__file__).parent
JAX = keras.backend.backend() == "jax"
only_jax = pytest.mark.skipif(not JAX, reason="Keras has no distribution of layers elsewhere.")


def run(script, *words, **environment):
    """Output of a program of its own, for the number of devices is fixed when JAX starts."""
    return finished(started(script, *words, **environment))


def started(script, *words, **environment):
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    said, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


# The same numbers


@pytest.fixture(scope="module")
def compared():
    return {one["case"]: one for one in run("distributed.py")}


CASES = (
    ("rows", [8]),
    ("rows, adam, post_activation", [8]),
    ("a chain that does not divide", [8]),
    ("fewer layers than devices", []),
    ("multipliers", [8]),
    ("rows on the host", [8]),
    ("matching", [8]),
    ("residual", [8]),
    ("inferred", [8]),
    ("inferred by curvature", [8]),
    ("inferred errors", [8]),
    ("locoprop_s", [8]),
    ("locoprop_m", [8]),
    ("closed form", [8]),
    ("batches split, too", [8]),
    ("batches split alone", [8]),
    ("layer by layer", []),
)


@only_jax
@pytest.mark.parametrize("case, chains", CASES)
def test_as_one_device_to_rounding(compared, case, chains):
    found = compared[case]
    assert found["chains"] == chains
    assert found["devices"] == [4]
    assert found["moved"] > 1e-3  # it has trained
    assert found["far"] < 2e-6


@only_jax
def test_every_case_is_looked_at(compared):
    assert set(compared) == {case for case, _ in CASES}


@only_jax
def test_as_one_device_in_double_precision():
    cases = ["rows, adam, post_activation", "a chain that does not divide", "multipliers"]
    found = run("distributed.py", *cases, "batches split, too", WIDE="1")
    assert len(found) == 4
    assert max(one["far"] for one in found) < 1e-12


# What devices say to each other


def bytes_of(shapes):
    """Bytes of the float32 arrays in a shape as XLA writes it."""
    sizes = re.findall(r"f32\[([\d,]*)\]", shapes)
    return sum(4 * int(np.prod([int(n) for n in one.split(",") if n])) for one in sizes)


def collectives(folder):
    """By kind the bytes of each collective of the compiled training step."""
    (text,) = [path.read_text() for path in folder.glob("*train_step*after_optimizations.txt")]
    kinds = "all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter"
    found: dict[str, list[int]] = {}
    for shapes, kind in re.findall(rf"= (.+?) ({kinds})(?:-start)?\(", text):
        found.setdefault(kind, []).append(bytes_of(shapes))
    return found


def step_of(tmp_path, depth, **environment):
    flags = f"--xla_dump_to={tmp_path} --xla_dump_hlo_module_re=.*train_step.*"
    run("distributed_step.py", depth, XLA_FLAGS=flags, **environment)
    return collectives(tmp_path)


@only_jax
@pytest.mark.parametrize("deployed_every", [0, 1])
def test_neighbours_exchange_one_layers_values_whatever_the_depth(tmp_path, deployed_every):
    """Of B examples and U units three permutations of B U numbers, and sums of a few more.

    The permutations: values handed on, their gradient, and, in the deployed pass, the value that
    goes through the stages. The sums: what leaves the chain and enters it, and its gradient.
    """
    batch, units = 16, 16
    one = 4 * batch * units
    by_depth = {}
    for depth in (8, 32):
        folder = tmp_path / str(depth)
        folder.mkdir()
        found = step_of(folder, depth, DEPLOYED_EVERY=str(deployed_every))
        assert set(found) == {"collective-permute", "all-reduce"}
        assert found["collective-permute"] == [one] * 3
        assert sum(found["all-reduce"]) <= 4 * one + 16
        by_depth[depth] = found
    assert by_depth[8] == by_depth[32]


# Several processes


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@only_jax
def test_two_processes_train_save_and_resume_as_one(tmp_path):
    """One process with four devices beside two with two each, over loopback."""
    (alone,) = run("distributed_processes.py", 1, 0, 0, tmp_path / "one")
    port = free_port()
    words = [(2, number, port, tmp_path / "two") for number in (0, 1)]
    both = [started("distributed_processes.py", *one) for one in words]
    found = [finished(process)[0] for process in both]
    assert found[0] == found[1]
    for name, value in alone.items():
        np.testing.assert_allclose(found[0][name], value, rtol=2e-6, err_msg=name)
    assert alone["resumed"] == alone["straight"]
    assert alone["loaded"] == alone["went_on"]


# Refusals


@pytest.mark.skipif(JAX, reason="JAX has it.")
def test_other_backends_say_that_they_have_none():
    with pytest.raises(
        RuntimeError, match="on JAX alone: Keras has no such distribution elsewhere"
    ):
        raikeras.distribution.layer_parallel()


@only_jax
def test_replicas_must_divide_the_devices():
    with pytest.raises(ValueError, match="must divide the number of devices. Received: replicas=3"):
        raikeras.distribution.layer_parallel(["cpu:0", "cpu:1"], replicas=3)


@only_jax
def test_a_distribution_set_too_late_is_refused():
    (found,) = run("distributed_step.py", 8, TOO_LATE="1")
    assert "A distribution over layers must be set before the model is made" in found["error"]
