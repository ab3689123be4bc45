"""Kills a training with SIGKILL at random moments and starts it again, until it ends.

Each time the backup must be whole and at most `save_freq` seconds of training lost; at the end
weights, optimizer and rows must be those of a training that nobody killed, bit for bit.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCHES = 20  # of an epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--save-freq", type=float, default=0.5, help="seconds")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds before a kill")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--work", type=Path, help="train in this folder, to be killed")
    arguments = parser.parse_args()
    if arguments.work:
        train(arguments.work, arguments.save_freq, arguments.epochs)
        return
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        unbroken, work = Path(folder) / "unbroken", Path(folder) / "work"
        expected = end(start(unbroken, arguments), unbroken)
        lost: list[float] = []
        while len(lost) < arguments.kills:
            process = start(work, arguments)
            time.sleep(rng.uniform(0, arguments.longest))
            if process.poll() is not None:
                break  # it was faster
            process.kill()
            process.wait()
            if last_step(work) == BATCHES * arguments.epochs:
                break  # it had ended, and its backup was deleted, before its process had
            lost.append(lost_seconds(work))
            print(f"kill {len(lost):3}: {lost[-1]:.2f} s of training lost", flush=True)
        found = end(start(work, arguments), work)
    most = max(lost, default=0.0)
    print(f"{len(lost)} kills, at most {most:.2f} s lost, save_freq {arguments.save_freq} s")
    if found != expected:
        raise SystemExit("error: the resumed training ended elsewhere")
    print("the end is that of the unbroken training, bit for bit")


def start(folder: Path, arguments) -> subprocess.Popen:
    """Starts a training process and returns after its first step."""
    folder.mkdir(exist_ok=True)
    (folder / "steps").unlink(missing_ok=True)
    settings = {"save-freq": arguments.save_freq, "epochs": arguments.epochs, "work": folder}
    options = [f"--{name}={value}" for name, value in settings.items()]
    process = subprocess.Popen([sys.executable, __file__, *options])
    while process.poll() is None and not os.path.exists(folder / "steps"):
        time.sleep(0.01)
    return process


def end(process: subprocess.Popen, folder: Path) -> str:
    """Waits for a training and returns the digest of what it ended with."""
    if process.wait():
        raise SystemExit("error: the training failed")
    return (folder / "digest").read_text()


def last_step(folder: Path) -> int:
    """The number of the last step that was written down."""
    return int((folder / "steps").read_text().split("\n")[-2].split()[0])


def lost_seconds(folder: Path) -> float:
    """Training time since the state in the backup, which must be whole."""
    from raikeras.backup import snapshots

    lines = [line.split() for line in (folder / "steps").read_text().split("\n")[:-1]]
    # The first two are the compiler's: JAX compiles again for what the first one returned.
    times = {int(step): float(seconds) for step, seconds in lines[2:]}
    backup, saved = folder / "backup", 0
    if (backup / "backup.json").exists():
        files = json.loads((backup / "backup.json").read_text())["files"]
        for file in files:
            meta, _ = snapshots.read(backup / file)
        saved = meta["epoch"] * BATCHES + meta["batch"]
    return sum(seconds for step, seconds in times.items() if step > saved)


def train(folder: Path, save_freq: float, epochs: int) -> None:
    """The training that is killed: a small net whose steps take ten milliseconds."""
    import keras
    import numpy as np
    from keras import ops

    import raikeras

    class Steps(keras.callbacks.Callback):
        """Writes down how long each step took."""

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            self.start = time.monotonic()

        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.01)
            step = self.epoch * BATCHES + batch + 1
            with open(folder / "steps", "a") as file:
                file.write(f"{step} {time.monotonic() - self.start}\n")

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCHES * 10, 20)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")
    layers = [keras.layers.Dense(32, "tanh"), keras.layers.Dropout(0.2)]
    net = keras.Sequential([keras.Input((20,)), *layers, keras.layers.Dense(1, "sigmoid")])
    model = raikeras.RelaxedModel(net)
    model.compile("adam", "binary_crossentropy")
    backup = raikeras.callbacks.Backup(folder / "backup", save_freq)
    model.fit(x, y, batch_size=10, epochs=epochs, verbose=0, callbacks=[Steps(), backup])
    digest = hashlib.sha256()
    variables = [*model.variables, *model.optimizer.variables]
    for variable in variables:
        digest.update(ops.convert_to_numpy(variable).tobytes())
    (folder / "digest").write_text(digest.hexdigest())


if __name__ == "__main__":
    main()
