"""The store: one row of targets per training example, with the slots of the rule that moves it."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.rows import layout
from raikeras.rows.layout import Group
from raikeras.rows.rules import RowRule
from raikeras.rows.table import (
    DeviceMemory,
    DeviceTable,
    FileMemory,
    HostMemory,
    Layout,
    written_if,
)
from raikeras.typing import Tensor

PIECE = 4096  # rows that are moved at once from one arrangement into another


class Store:
    """Rows of targets, addressed by example id.

    An example's row is its targets in all cuts. They lie in one table for each group of cuts, as a
    step wants them. On the device they are Keras variables held by plain objects, so that no model
    counts them as weights; `RelaxedModel` lists them among its `variables`, which takes them
    through a JAX step. Elsewhere they are arrays, which the step reaches by calls back to Python.

    Args:
        num_examples: Integer, number of rows.
        groups: The groups of the network's cuts.
        dtype: Dtype of targets and slots.
        rule: The `RowRule` whose slots are kept.
        storage: `"device"`, `"host"`, or the path of a file to be mapped into memory.

    Attributes:
        tables: Dict of tables: `targets/0` and so on, of the shapes that the groups have for
            `num_examples` examples, `age` of shape `(num_examples, 1)`, the number of updates since
            the row started (0: not started), and those of the slots: `slot/name/0` and so on, or
            `slot/name` `(num_examples, 1)`.
        may_repeat: Whether an id may occur more than once in a batch.
    """

    def __init__(
        self,
        num_examples: int,
        groups: list[Group],
        dtype: str,
        rule: RowRule,
        storage: str = "device",
    ) -> None:
        self.num_examples, self.groups, self.dtype = num_examples, groups, dtype
        self.may_repeat = True
        self._condition: Tensor | None = None
        # Arithmetic of the rule: in bfloat16 most updates would round away.
        self.compute_dtype = _compute_dtype(dtype)
        self._memory: DeviceMemory | HostMemory | FileMemory
        if storage == "device":
            self._memory = DeviceMemory()
        else:
            self._memory = HostMemory() if storage == "host" else FileMemory(storage)
        self.rule = rule
        self.tables: dict[str, Any] = self._memory.make(_layout(num_examples, groups, dtype, None))
        self.tables |= self._memory.make(_layout(num_examples, groups, dtype, rule))

    def use(self, groups: list[Group], rule: RowRule, keep_slots: bool = False) -> None:
        """Keeps the rows, for other groups of the same cuts or with the slots of another rule.

        Args:
            groups: The groups of the network's cuts.
            rule: The `RowRule` whose slots are kept.
            keep_slots: Whether it is the one there is, and its slots go on; else they start afresh.
        """
        load_backend().wait()
        if groups != self.groups:
            keep = {"targets": "row", "age": "scalar"}
            if keep_slots:
                keep |= {f"slot/{name}": kind for name, kind in rule.slots.items()}
            self._arrange(groups, rule, keep)
            return
        self.rule = rule
        slots = {key: self.tables.pop(key) for key in list(self.tables) if key[:5] == "slot/"}
        if slots and isinstance(self._memory, FileMemory):
            self._memory.drop(slots)
        del slots
        layout = _layout(self.num_examples, groups, self.dtype, rule)
        self.tables |= self._memory.make(layout)

    def _arrange(self, groups: list[Group], rule: RowRule, keep: dict[str, str]) -> None:
        memory = self._memory
        if isinstance(memory, FileMemory):
            memory = FileMemory(str(memory.path))  # a new file; the old one is mapped
        tables: dict[str, Any] = memory.make(_layout(self.num_examples, groups, self.dtype, None))
        tables |= memory.make(_layout(self.num_examples, groups, self.dtype, rule))
        for first in range(0, self.num_examples, PIECE):
            ids = np.arange(first, min(first + PIECE, self.num_examples))
            for name, kind in keep.items():
                if kind == "scalar":
                    _write(tables[name], ids, _read(self.tables[name], ids))
                    continue
                found = [_read(self.tables[f"{name}/{k}"], ids) for k in range(len(self.groups))]
                parts = layout.by_cut(self.groups, found)
                for number, array in enumerate(layout.from_cuts(groups, parts)):
                    _write(tables[f"{name}/{number}"], ids, array)
        # Last, so that no row is lost where there is no room for all this.
        self._memory, self.tables, self.groups, self.rule = memory, tables, groups, rule

    @property
    def variables(self) -> list[keras.Variable]:
        """Those of the tables on the device: of all or of none."""
        tables = self.tables.values()
        return [table.variable for table in tables if isinstance(table, DeviceTable)]

    def has_rows(self) -> bool:
        """Whether any row has started."""
        load_backend().wait()
        age = self.tables["age"]
        return bool(ops.any(age.value > 0)) if self.variables else bool(age.array.any())

    def read(self, key: str, ids: Any) -> np.ndarray:
        """Rows of one table as an array; outside a step."""
        load_backend().wait()
        return _read(self.tables[key], np.asarray(ids))

    def targets(self, ids: Any) -> list[np.ndarray]:
        """Targets of some examples, an array for each group of cuts; outside a step."""
        return [self.read(f"targets/{number}", ids) for number in range(len(self.groups))]

    def write(self, key: str, ids: Any, rows: Tensor) -> None:
        """Sets rows of one table in place; outside a step."""
        _write(self.tables[key], np.asarray(ids), rows)

    def gather(self, ids: Tensor | None) -> dict[str, Any]:
        """The batch's part of the tables, in the compute dtype.

        Args:
            ids: Integer tensor `(batch,)`, example ids; `None`: all of them, in order. Then tables
                must be on the device.

        Returns:
            `age` of shape `(batch, 1)`; `targets`, a list of a tensor for each group; and for each
            slot likewise a list, or a tensor `(batch, 1)`.
        """
        rows = load_backend().gather(self.tables, ids)
        age = rows.pop("age")
        rows = {key: ops.cast(row, self.compute_dtype) for key, row in rows.items()}
        return {"age": age, **self._by_name(rows)}

    def of_first_copies(self, ids: Tensor | None, values: list[Tensor]) -> list[Tensor]:
        """Values of all groups, an id's every copy in the batch given those of its first."""
        if not self.may_repeat or ids is None:
            return values
        order, group = _groups(ids)
        first = ops.take(order, group)
        return [layout.take(tensor, first) for tensor in values]

    def step(
        self,
        ids: Tensor | None,
        rows: dict[str, Any],
        gradient: list[Tensor],
        learning_rate: Tensor,
    ) -> None:
        """Moves the rows of a batch by the rule and writes them back; no other row is touched.

        An id that occurs more than once has one row, which moves once, by the sum of the gradients
        of its copies: the gradient of the objective by this row.

        Args:
            ids: As in `gather`, which gave the rows.
            rows: What `gather` gave, with the targets at which the gradient was taken.
            gradient: A list of a tensor for each group, gradient of the objective by the targets.
            learning_rate: Scalar.
        """
        self.put(ids, self.moved(ids, rows, self.summed_over_copies(ids, gradient), learning_rate))

    def moved(
        self,
        ids: Tensor | None,
        rows: dict[str, Any],
        gradient: list[Tensor],
        learning_rate: Tensor,
    ) -> dict[str, Any]:
        """The rows of a batch after a step of the rule, for `put`; nothing is written.

        Args:
            ids: As in `gather`, which gave the rows.
            rows: What `gather` gave, or this method.
            gradient: A list of a tensor for each group, the same for all copies of an id.
            learning_rate: Scalar.
        """
        slots = {key[5:]: rows[key] for key in rows if key.startswith("slot/")}
        gradient = layout.cast(gradient, self.compute_dtype)
        rate = ops.cast(learning_rate, self.compute_dtype)
        targets, slots = self.rule.move(rows["targets"], gradient, slots, rate)
        named = {f"slot/{name}": value for name, value in slots.items()}
        return {**rows, "targets": targets, **named}

    def put(self, ids: Tensor | None, rows: dict[str, Any]) -> None:
        """Writes the rows of a batch back, each one update older; no other row is touched.

        Args:
            ids: As in `gather`.
            rows: Likewise, the same for all copies of an id.
        """
        new = {**rows, "age": rows["age"] + 1}
        flat = {key: ops.cast(value, self.tables[key].dtype) for key, value in self._by_table(new)}
        if self._condition is not None and ids is not None:
            ids = written_if(self._condition, ids, self.num_examples)
        load_backend().scatter(self.tables, ids, flat)

    def summed_over_copies(self, ids: Tensor | None, values: list[Tensor]) -> list[Tensor]:
        """Values of all groups, an id's every copy in the batch given the sum over its copies."""
        if not self.may_repeat or ids is None:
            return values
        return [_summed_over_copies(ids, tensor) for tensor in values]

    def mean_over_copies(
        self, ids: Tensor | None, values: list[Tensor], weights: Tensor | None = None
    ) -> list[Tensor]:
        """Likewise, given the mean, by weights `(batch, 1)` of the copies if there are any."""
        if not self.may_repeat or ids is None:
            return values
        if weights is None:
            weights = ops.ones((ops.shape(ids)[0], 1))
        weights = ops.cast(weights, self.compute_dtype)
        total = _summed_over_copies(ids, weights)
        sums = self.summed_over_copies(ids, [weights * tensor for tensor in values])
        return [ops.divide_no_nan(one, total) for one in sums]

    @contextlib.contextmanager
    def writing_if(self, condition: Tensor | None) -> Iterator[None]:
        """While it lasts, `step` leaves all rows as they are where the condition is false.

        Args:
            condition: Boolean scalar; `None`: rows are written. Where batches are all rows in
                order it is of no effect: such tables are written like any variable.
        """
        self._condition = condition
        try:
            yield
        finally:
            self._condition = None

    def _by_name(self, tables: dict[str, Any]) -> dict[str, Any]:
        """What belongs to the groups of one name as a list."""
        found: dict[str, Any] = {}
        for key, value in tables.items():
            name, _, number = key.rpartition("/")
            if number.isdigit():
                found.setdefault(name, []).append(value)
            else:
                found[key] = value
        return found

    def _by_table(self, named: dict[str, Any]) -> list[tuple[str, Any]]:
        """The inverse, as pairs."""
        return [
            pair
            for name, value in named.items()
            for pair in (
                [(f"{name}/{number}", one) for number, one in enumerate(value)]
                if isinstance(value, list)
                else [(name, value)]
            )
        ]


def store_bytes(num_examples: int, groups: list[Group], dtype: str, rule: RowRule) -> int:
    """Bytes of the rows, their ages and their slots, before there are any."""
    layout = _layout(num_examples, groups, dtype, None) | _layout(num_examples, groups, dtype, rule)
    return sum(math.prod(shape) * np.dtype(kind).itemsize for shape, kind in layout.values())


def _layout(num_examples: int, groups: list[Group], dtype: str, rule: RowRule | None) -> Layout:
    """Shape and dtype of each table: a rule's slots, or without one the rows and their ages."""
    layout: Layout = {}
    if rule is None:
        named = {"targets": "row"}
        layout["age"] = (num_examples, 1), "int32"
    else:
        named = {f"slot/{name}": kind for name, kind in rule.slots.items()}
    for name, kind in named.items():
        if kind == "scalar":
            layout[name] = (num_examples, 1), _compute_dtype(dtype)
            continue
        for number, group in enumerate(groups):
            layout[f"{name}/{number}"] = group.shape(num_examples), dtype
    return layout


def _compute_dtype(dtype: str) -> str:
    return "float32" if dtype in ("bfloat16", "float16") else dtype


def _write(table: Any, ids: Any, rows: Tensor) -> None:
    load_backend().write(table, ids, rows)


def _read(table: Any, ids: Any) -> np.ndarray:
    if table.on_host:
        return table.gather(ids)
    rows = load_backend().gather({"": table}, ids)[""]
    return ops.convert_to_numpy(load_backend().whole(rows))


def _groups(ids: Any) -> tuple[Tensor, Tensor]:
    """The order that sorts ids, and for each example the first place of its id in that order."""
    order = ops.argsort(ids)
    return order, ops.searchsorted(ops.take(ids, order), ids)


def _summed_over_copies(ids: Any, gradient: Tensor) -> Tensor:
    """The gradient with an id's copies replaced by their sum, all alike."""
    _, group = _groups(ids)
    axis = layout.examples_axis(gradient)
    first = ops.moveaxis(gradient, axis, 0)
    total = ops.segment_sum(first, group, num_segments=ops.shape(ids)[0])
    return layout.take(ops.moveaxis(total, 0, axis), group)
