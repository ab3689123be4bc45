"""The store: one row of targets per training example, with the slots of the rule that moves it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras._steps import load_backend
from raikeras.rows import RowRule
from raikeras.tables import FileMemory, HostMemory, HostTable


class Store:
    """Rows of targets, addressed by example id.

    A row is the concatenation of an example's targets in all cuts. On the device the tables are
    Keras variables held by a plain object, so that no model counts them as weights; `RelaxedModel`
    lists them among its `variables`, which takes them through a JAX step. Elsewhere they are
    arrays, which the step reaches by calls back to Python.

    Args:
        num_examples: Integer, number of rows.
        size: Integer, number of target units of a row.
        dtype: Dtype of targets and slots.
        rule: The `RowRule` whose slots are kept.
        storage: `"device"`, `"host"`, or the path of a file to be mapped into memory.

    Attributes:
        tables: Dict of tables: `targets` of shape `(num_examples, size)`, `age` of shape
            `(num_examples, 1)`, the number of updates since the row started (0: not started), and
            one table per slot.
        may_repeat: Whether an id may occur more than once in a batch.
    """

    def __init__(
        self, num_examples: int, size: int, dtype: str, rule: RowRule, storage: str = "device"
    ):
        self.num_examples, self.size, self.dtype = num_examples, size, dtype
        self.may_repeat = True
        # Arithmetic of the rule: in bfloat16 most updates would round away.
        self.compute_dtype = _compute_dtype(dtype)
        self._memory: _Device | HostMemory | FileMemory
        if storage == "device":
            self._memory = _Device()
        else:
            self._memory = HostMemory() if storage == "host" else FileMemory(storage)
        self.tables: dict[str, Any] = self._memory.make(_layout(num_examples, size, dtype, None))
        self.use_rule(rule)

    def use_rule(self, rule: RowRule) -> None:
        """Keeps the rows and gives them the slots of another rule, started afresh."""
        self.rule = rule
        slots = {key: self.tables.pop(key) for key in list(self.tables) if key[:5] == "slot/"}
        if slots and isinstance(self._memory, FileMemory):
            self._memory.drop(slots)
        del slots
        self.tables |= self._memory.make(_layout(self.num_examples, self.size, self.dtype, rule))

    @property
    def variables(self) -> list[keras.Variable]:
        """The tables that are Keras variables: all or none."""
        return [table for table in self.tables.values() if isinstance(table, keras.Variable)]

    def has_rows(self) -> bool:
        """Whether any row has started."""
        load_backend().wait()
        age = self.tables["age"]
        return bool(ops.any(age.value > 0)) if self.variables else bool(age.array.any())

    def read(self, key: str, ids) -> np.ndarray:
        """Rows of one table as an array `(n, ...)`; outside a step."""
        backend, table = load_backend(), self.tables[key]
        backend.wait()
        if isinstance(table, HostTable):
            return table.gather(ids)
        return ops.convert_to_numpy(backend.gather({key: table}, np.asarray(ids))[key])

    def write(self, key: str, ids, rows) -> None:
        """Sets rows of one table in place; outside a step."""
        load_backend().write(self.tables[key], np.asarray(ids), rows)

    def gather(self, ids) -> dict:
        """The batch's part of each table, `(batch, size)` or `(batch, 1)`, in the compute dtype."""
        rows = load_backend().gather(self.tables, ids)
        age = rows.pop("age")
        return {"age": age, **{k: ops.cast(v, self.compute_dtype) for k, v in rows.items()}}

    def of_first_copies(self, ids, values):
        """`values` `(batch, size)`, an id's every copy in the batch given those of its first."""
        if not self.may_repeat:
            return values
        order, group = _groups(ids)
        return ops.take(values, ops.take(order, group), axis=0)

    def step(self, ids, rows: dict, gradient, learning_rate) -> None:
        """Moves the rows of a batch by the rule and writes them back; no other row is touched.

        An id that occurs more than once has one row, which moves once, by the sum of the gradients
        of its copies: the gradient of the objective by this row.

        Args:
            ids: Integer tensor `(batch,)`, example ids.
            rows: What `gather` gave, with the targets at which the gradient was taken.
            gradient: Tensor `(batch, size)`, gradient of the objective by the targets.
            learning_rate: Scalar.
        """
        slots = {key[5:]: rows[key] for key in rows if key.startswith("slot/")}
        gradient = ops.cast(gradient, self.compute_dtype)
        if self.may_repeat:
            gradient = _summed_over_copies(ids, gradient)
        rate = ops.cast(learning_rate, self.compute_dtype)
        change, slots = self.rule.update(gradient, slots, rate)
        new = {"targets": rows["targets"] + change, "age": rows["age"] + 1}
        new |= {f"slot/{name}": value for name, value in slots.items()}
        new = {key: ops.cast(value, self.tables[key].dtype) for key, value in new.items()}
        load_backend().scatter(self.tables, ids, new)


def store_bytes(num_examples: int, size: int, dtype: str, rule: RowRule) -> int:
    """Bytes of the rows, their ages and their slots, before there are any."""
    layout = _layout(num_examples, size, dtype, None) | _layout(num_examples, size, dtype, rule)
    return sum(
        int(np.prod(shape, dtype="int64")) * np.dtype(kind).itemsize
        for shape, kind in layout.values()
    )


class _Device:
    """Makes tables that are Keras variables."""

    def make(self, layout: dict[str, tuple]) -> dict[str, keras.Variable]:
        return {
            name: keras.Variable(
                "zeros", shape, dtype, trainable=False, name="store_" + name.split("/")[-1]
            )
            for name, (shape, dtype) in layout.items()
        }


def _layout(num_examples: int, size: int, dtype: str, rule: RowRule | None) -> dict[str, tuple]:
    """Shape and dtype of each table: a rule's slots, or without one the rows and their ages."""
    if rule is None:
        return {"targets": ((num_examples, size), dtype), "age": ((num_examples, 1), "int32")}
    kinds = {"row": (size, dtype), "scalar": (1, _compute_dtype(dtype))}
    return {
        f"slot/{name}": ((num_examples, kinds[kind][0]), kinds[kind][1])
        for name, kind in rule.slots.items()
    }


def _compute_dtype(dtype: str) -> str:
    return "float32" if dtype in ("bfloat16", "float16") else dtype


def _groups(ids):
    """The order that sorts ids, and for each example the first place of its id in that order."""
    order = ops.argsort(ids)
    return order, ops.searchsorted(ops.take(ids, order), ids)


def _summed_over_copies(ids, gradient):
    """The gradient with an id's copies replaced by their sum, all alike."""
    _, group = _groups(ids)
    total = ops.segment_sum(gradient, group, num_segments=ops.shape(ids)[0])
    return ops.take(total, group, axis=0)
