"""Before training: data get their ids, and rows are made that fit them."""

from typing import Any

import keras
import numpy as np

from raikeras.backend import load_backend
from raikeras.data import ids as ids_in
from raikeras.data import streams
from raikeras.data.contents import length
from raikeras.data.finite import FiniteCheck
from raikeras.rows.capacity import check_room
from raikeras.rows.storage import Store
from raikeras.typing import Nest


def prepare_data(model: keras.Model, call: dict[str, Any], finite: FiniteCheck) -> ids_in.Checker:
    """Gives arrays their ids and refuses data that cannot belong to the rows."""
    rows = model.target_rule.num_examples
    if rows is None and model.store is not None:
        rows = model.store.num_examples
    x = call.get("x")
    if ids_in.is_stream(x):
        _check_stream(x)
        if rows is None:
            raise ValueError(
                "A stream does not tell its number of examples, which the rows need. Set it: "
                "`targets=Learned(num_examples=...)`. "
                f"Received: x of type {type(x).__name__}, num_examples=None"
            )
        checker = ids_in.Checker(rows, finite)
        call["x"] = checker.wrap(x)
        _check_beside(call)
        return checker
    count = length(x)
    if call.get("validation_split") and call.get("validation_data") is None:
        count = int(count * (1 - call["validation_split"]))
    own_ids = not ids_in.has_ids(x)
    if own_ids:
        rows = _number(model, call, count, rows)
    checker = ids_in.Checker(rows or count)
    if own_ids and count == checker.num_examples <= (call.get("batch_size") or 32):
        call["shuffle"] = False  # the order within the one batch makes no difference
        checker.in_order = True
    finite(call["x"], call.get("y"), call.get("sample_weight"))
    ids = call["x"]["example_id"][:count]
    checker.check_ids({**call["x"], "example_id": ids})
    checker.may_repeat = not ids_in.are_distinct(ids)
    return checker


def prepare_without_rows(call: dict[str, Any], finite: FiniteCheck) -> None:
    """Checks arrays, and has Keras read streams of any kind."""
    x = call.get("x")
    if not ids_in.is_stream(x):
        finite(x, call.get("y"), call.get("sample_weight"))
        call["x"] = streams.standard_arrays(x)
    elif x is not None and not isinstance(x, (list, tuple, dict)):
        call["x"] = streams.readable(x)
        _check_beside(call)


def _check_stream(x: Nest) -> None:
    if x is None or isinstance(x, (list, tuple, dict)):
        raise TypeError(
            "`x` must be an array, a list or dict of arrays, or a stream of batches. "
            f"Received: x of type {type(x).__name__} with entries that are no arrays"
        )


def _check_beside(call: dict[str, Any]) -> None:
    """Refuses what Keras refuses beside a DataLoader, and would overlook beside an adapter."""
    beside = [name for name in ("y", "sample_weight", "class_weight") if call.get(name) is not None]
    if beside and streams.needs_all_in_batches(call["x"]):
        raise ValueError(
            f"`{beside[0]}` must be part of the batches where `x` is a stream: let it yield "
            f"(x, y, sample_weight). Received: `{beside[0]}` beside a stream"
        )


def _number(model: keras.Model, call: dict[str, Any], count: int, rows: int | None) -> int | None:
    """Gives arrays the ids 0, 1, ...; their first `count` examples are for training."""
    x = call["x"]
    seen = ids_in.fingerprint(x, call.get("y"), count)
    if model.relaxed.data != seen and model.store is not None and not model.store.has_rows():
        model.reset_targets()  # an earlier call failed before its first step
        rows = model.target_rule.num_examples
    if model.store is not None and model.relaxed.data not in (None, seen):
        raise ValueError(
            "`fit` was given other data than before, whose examples have no rows. Call "
            "`model.reset_targets()` first to start new rows, or pass example ids. "
            f"Received: x with {count} training examples; "
            f"there are {model.store.num_examples} rows"
        )
    if rows is not None and count > rows:
        raise ValueError(
            f"`num_examples` must be at least the number of training examples. Received: "
            f"num_examples={rows}, x with {count} training examples"
        )
    model.relaxed.data = seen
    call["x"] = {
        "inputs": streams.standard_arrays(x),
        "example_id": np.arange(length(x), dtype="int32"),
    }
    return rows


def prepare_store(model: keras.Model, num_examples: int) -> None:
    """Makes the store, or lays it out for other groups or a newly compiled optimizer's slots."""
    rule = model.target_rule.rule(model.optimizer)
    owner = model.target_rule.owner(model.optimizer)
    network = model.relaxed.network
    storage = model.target_rule.storage
    reason = None if storage == "device" else load_backend().reason_no_calls_back(model)
    if reason:
        raise ValueError(
            f'{reason}, or keep the rows on the device: `Learned(storage="device")`. '
            f"Received: storage={storage!r}, jit_compile={model.jit_compile}"
        )
    if model.store is None:
        check_room(model.store_bytes(num_examples), storage)
        dtype = model.target_rule.dtype or network.dtype
        with keras.name_scope(model.relaxed.scope):
            model.relaxed.store = Store(num_examples, network.groups, dtype, rule, storage)
        model.relaxed.store.may_repeat = False
        model.relaxed.in_order = None
    elif model.relaxed.owner is owner and model.store.groups == network.groups:
        return
    else:
        with keras.name_scope(model.relaxed.scope):
            model.store.use(network.groups, rule, keep_slots=model.relaxed.owner is owner)
    model.relaxed.owner = owner
    model.train_function = None  # a traced step would hold on to the old tables


def note_batches(model: keras.Model, may_repeat: bool, in_order: bool) -> None:
    """Has the step look for repeated ids from now on, if there may be any, and for ids at all.

    It never goes back, lest a model that is trained both ways be traced each time.
    """
    store, relaxed = model.store, model.relaxed
    before = store.may_repeat, relaxed.in_order
    store.may_repeat = before[0] or may_repeat
    possible = before[1] is not False and not store.may_repeat and bool(store.variables)
    relaxed.in_order = in_order and possible
    if (store.may_repeat, relaxed.in_order) != before:
        model.train_function = None
