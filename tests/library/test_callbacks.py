"""`Backup`: a stopped training goes on as if it had not been, bit for bit."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from tf_streams import TF_DATA, tf_dataset

import raikeras
from raikeras.backup.ordered_arrays import OrderedArrays
from raikeras.callbacks import Backup
from raikeras.data import with_ids

COUNT, BATCH, EPOCHS = 23, 5, 4  # five batches an epoch, the last one short
RNG = np.random.default_rng(3)
X = RNG.normal(size=(COUNT, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


class Interrupt(keras.callbacks.Callback):
    """Ends training by an error after a number of steps."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


class Batches(keras.callbacks.Callback):
    """Writes down epochs, batches and starts."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_train_end(self, logs=None):
        self.seen.append("end")

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


SEVERAL_STEPS = pytest.param(
    {"steps_per_execution": 2},
    marks=pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras refuses it there"),
)


def make_model(
    relax=keras.layers.Dense, storage="device", units=6, dropout_seed=None, **compile_settings
):
    keras.utils.set_random_seed(5)
    net = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, "tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3, seed=dropout_seed),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.9)
    targets = raikeras.Learned(COUNT, keras.optimizers.Adam(rate), storage=storage)
    model = raikeras.RelaxedModel(net, targets=targets, relax=relax)
    settings = {"metrics": ["accuracy"], **compile_settings}
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", **settings)
    return model


def state(model):
    """Everything that training changes, as arrays."""
    variables = enumerate([*model.variables, *model.optimizer.variables])
    found = {f"{number} {v.shape}": v for number, v in variables}
    if model.store:
        found |= {f"table {key}": table for key, table in model.store.tables.items()}
    return {
        key: np.array(v.array if hasattr(v, "array") else ops.convert_to_numpy(v))
        for key, v in found.items()
    }


def fit(model, path, callbacks=(), save_freq=0, **settings):
    settings = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0, **settings}
    x, y = settings.pop("x", X), settings.pop("y", Y)
    backup = [] if path is None else [Backup(path, save_freq)]
    return model.fit(x, y, callbacks=[*backup, *callbacks], **settings).history


def fit_stopped(model, path, after, **settings):
    with pytest.raises(KeyboardInterrupt):
        fit(model, path, [Interrupt(after)], **settings)


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory):
    """A backup of a training that ended after eight steps."""
    path = tmp_path_factory.mktemp("stopped") / "backup"
    fit_stopped(make_model(), path, 8)
    return path


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A copy of it, `tmp_path / "backup"`."""
    return shutil.copytree(stopped_once, tmp_path / "backup")


def assert_same(ours, theirs):
    assert set(ours) == set(theirs)
    for key, array in ours.items():
        np.testing.assert_array_equal(array, theirs[key], err_msg=key)


CASES = {
    "own order, in an epoch": (8, {}),
    "own order, at its end": (11, {}),
    "order of the arrays": (2, {"shuffle": False}),
    "validation": (7, {"validation_split": 0.3}),
    "weights": (7, {"sample_weight": np.linspace(0.5, 2, COUNT).astype("float32")}),
    "short epochs": (6, {"steps_per_epoch": 3}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_stopped_training_ends_where_an_unbroken_one_does(case, tmp_path):
    after, settings = CASES[case]
    unbroken = make_model()
    history = fit(unbroken, tmp_path / "unbroken", **settings)
    fit_stopped(make_model(), tmp_path / "backup", after, **settings)
    model = make_model()
    resumed = fit(model, tmp_path / "backup", **settings)
    assert_same(state(model), state(unbroken))
    assert 0 < len(resumed["loss"]) <= EPOCHS
    for column, values in resumed.items():
        np.testing.assert_array_equal(values, history[column][-len(values) :], err_msg=column)
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize(
    "settings",
    [{"storage": "host"}, {"storage": "path"}, {"relax": ()}, SEVERAL_STEPS],
    ids=str,
)
def test_so_does_one_with_other_storage_without_rows_or_of_several_steps(settings, tmp_path):
    def make(name):
        if settings.get("storage") == "path":
            return make_model(storage=tmp_path / name)
        return make_model(**settings)

    unbroken = make("unbroken.rows")
    fit(unbroken, tmp_path / "unbroken")
    fit_stopped(make("stopped.rows"), tmp_path / "backup", 8)
    model = make("last.rows")
    fit(model, tmp_path / "backup")
    assert_same(state(model), state(unbroken))


def test_the_order_of_arrays_is_that_of_keras_without_shuffling(tmp_path):
    # With a seed, for torch draws other masks where more draws than they.
    plain, backed = make_model(dropout_seed=1), make_model(dropout_seed=1)
    fit(plain, None, shuffle=False)
    fit(backed, tmp_path / "backup", shuffle=False)
    for key, array in state(plain).items():
        np.testing.assert_allclose(state(backed)[key], array, rtol=1e-5, atol=1e-6, err_msg=key)


def test_every_epoch_has_another_order_with_every_example_once():
    order = OrderedArrays((X, np.arange(COUNT)), BATCH, 1, None)
    epochs = []
    for order.epoch in range(3):
        epochs.append(np.concatenate([order[batch][1] for batch in range(len(order))]))
        assert sorted(epochs[-1]) == list(range(COUNT))
    assert not any((a == b).all() for a, b in zip(epochs, epochs[1:], strict=False))


@pytest.mark.parametrize("kind", [TF_DATA, "PyDataset"])
def test_a_stream_is_saved_at_the_ends_of_epochs(kind, tmp_path):
    class Items(keras.utils.PyDataset):
        def __len__(self):
            return -(-COUNT // BATCH)

        def __getitem__(self, index):
            part = slice(BATCH * index, BATCH * index + BATCH)
            return X[part], Y[part]

    def stream():
        if kind == "PyDataset":
            return with_ids(Items())
        return with_ids(tf_dataset((X, Y))).batch(BATCH)

    settings = {"x": None, "y": None, "batch_size": None, "shuffle": False}
    unbroken = make_model()
    fit(unbroken, tmp_path / "unbroken", **{**settings, "x": stream()})
    fit_stopped(make_model(), tmp_path / "backup", 13, **{**settings, "x": stream()})
    model, batches = make_model(), Batches()
    fit(model, tmp_path / "backup", [batches], **{**settings, "x": stream()})
    assert batches.seen == ["begin", *[*range(5)] * 2, "end"]  # two of four epochs were done
    assert_same(state(model), state(unbroken))


def test_callbacks_see_one_training_with_the_numbers_of_its_batches(stopped):
    batches = Batches()
    history = fit(make_model(), stopped, [batches])
    # The Backup comes last, so the eighth batch was not saved: after seven, epoch 1, batch 2.
    assert batches.seen == ["begin", 2, 3, 4, *range(5), *range(5), "end"]
    assert len(history["loss"]) == 3


def test_a_training_stopped_by_a_callback_in_its_first_part_is_over(stopped):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    batches = Batches()
    fit(make_model(), stopped, [Stop(), batches])
    assert batches.seen == ["begin", 2, 3, 4, "end"]
    assert not stopped.exists()


def test_only_rows_that_moved_are_saved_again_and_the_files_do_not_pile_up(tmp_path):
    model = make_model(units=50)
    full = model.store_bytes(COUNT)
    sizes = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            files = sorted((tmp_path / "backup").glob("*.part"))
            sizes.append([file.stat().st_size for file in files])

    fit(model, tmp_path / "backup", [Watch()], epochs=8)
    assert sizes[0] == [] and len(sizes[1]) == 1 and len(sizes[2]) == 2
    assert sizes[2][1] - sizes[1][0] < -full * (1 - 1.5 * BATCH / COUNT)
    beside = sizes[1][0] - full  # weights, optimizer and the list of contents
    assert max(len(found) for found in sizes) > 2
    assert max(sum(found) - len(found) * beside for found in sizes) < 2.5 * full


def test_nothing_is_saved_before_its_time(tmp_path):
    model, start = make_model(), time.monotonic()
    fit_stopped(model, tmp_path / "backup", 17, save_freq=1000)
    assert time.monotonic() - start < 1000 and not (tmp_path / "backup").exists()


@pytest.mark.parametrize("change", ["net", "data", "batch size", "optimizer", "relax"])
def test_a_backup_of_something_else_is_refused(change, stopped):
    model = make_model(
        units=7 if change == "net" else 6,
        relax=() if change == "relax" else keras.layers.Dense,
    )
    if change == "optimizer":
        model.compile("sgd", "binary_crossentropy")
    settings = {"data": {"y": 1 - Y}, "batch size": {"batch_size": 4}}.get(change, {})
    with pytest.raises(ValueError, match="backup in .* must come from the same.*Received"):
        fit(model, stopped, **settings)


def test_a_damaged_file_is_named(stopped):
    listed = json.loads((stopped / "backup.json").read_text())["files"]
    file = stopped / listed[-1]
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(ValueError, match="is incomplete"):
        fit(make_model(), stopped)


def test_settings_and_models_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ValueError, match="`save_freq`.*Received: save_freq=-1"):
        Backup(tmp_path, -1)
    with pytest.raises(ValueError, match="one Backup. Received: 2"):
        fit(make_model(), tmp_path / "a", [Backup(tmp_path / "b")])
    with pytest.raises(ValueError, match="`shuffle`.*Received: shuffle='batch'"):
        fit(make_model(), tmp_path / "a", shuffle="batch")
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    plain.compile("sgd", "mean_squared_error")
    with pytest.raises(TypeError, match="RelaxedModel.fit.*Sequential"):
        plain.fit(X, Y, verbose=0, callbacks=[Backup(tmp_path / "a")])


def test_a_killed_training_loses_at_most_save_freq_and_no_file_is_half_written():
    """`benchmarks/kill_and_resume.py` does this twenty times."""
    script = Path(__file__).parents[2] / "benchmarks" / "kill_and_resume.py"
    kills = os.environ.get("RAIKERAS_KILLS", "2")
    options = ["--kills", kills, "--epochs", "20", "--save-freq", "0.3", "--seed", "1"]
    run = subprocess.run(
        [sys.executable, script, *options, "--longest", "6"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(script.parents[2])},
    )
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    assert "bit for bit" in run.stdout
    lost = [float(line.split()[2]) for line in run.stdout.splitlines() if line[:5] == "kill "]
    assert lost and max(lost) <= 0.3 + 0.1  # a step on a busy machine may outlast the one before


def test_a_callback_that_holds_others_is_called_itself(tmp_path):
    """Keras' own list of callbacks has the same attribute."""

    class Several(keras.callbacks.Callback):
        def __init__(self, *callbacks):
            super().__init__()
            self.callbacks, self.epochs = callbacks, 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1

    for settings in ({}, {"relax": ()}):
        several = Several(Backup(tmp_path / "backup"))
        model = make_model(**settings)
        model.fit(X, Y, epochs=3, verbose=0, callbacks=several)
        assert several.epochs == 3
