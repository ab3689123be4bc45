"""The store: one row of targets per training example, with the slots of the rule that moves it."""

import keras
from keras import ops

from raikeras._steps import load_backend
from raikeras.rows import RowRule


class Store:
    """Rows of targets, addressed by example id.

    A row is the concatenation of an example's targets in all cuts. The tables are Keras variables
    held by a plain object, so that no model counts them as weights; `RelaxedModel` lists them
    among its `variables`, which takes them through a JAX step.

    Args:
        num_examples: Integer, number of rows.
        size: Integer, number of target units of a row.
        dtype: Dtype of targets and slots.
        rule: The `RowRule` whose slots are kept.

    Attributes:
        tables: Dict of variables: `targets` of shape `(num_examples, size)`, `age` of shape
            `(num_examples, 1)`, the number of updates since the row started (0: not started), and
            one table per slot.
    """

    def __init__(self, num_examples: int, size: int, dtype: str, rule: RowRule):
        self.num_examples, self.size, self.dtype = num_examples, size, dtype
        # Arithmetic of the rule: in bfloat16 most updates would round away.
        self.compute_dtype = "float32" if dtype in ("bfloat16", "float16") else dtype
        self.tables = {
            "targets": self._table("targets", size, dtype),
            "age": self._table("age", 1, "int32"),
        }
        self.use_rule(rule)

    def use_rule(self, rule: RowRule) -> None:
        """Keeps the rows and gives them the slots of another rule, started afresh."""
        self.rule = rule
        self.tables = {key: self.tables[key] for key in ("targets", "age")}
        for name, kind in rule.slots.items():
            shape = (self.size, self.dtype) if kind == "row" else (1, self.compute_dtype)
            self.tables[f"slot/{name}"] = self._table(name, *shape)

    def has_rows(self) -> bool:
        """Whether any row has started."""
        return bool(ops.any(self.tables["age"].value > 0))

    def gather(self, ids) -> dict:
        """The batch's part of each table, `(batch, size)` or `(batch, 1)`, in the compute dtype."""
        backend = load_backend()
        rows = {key: backend.gather(table, ids) for key, table in self.tables.items()}
        age = rows.pop("age")
        return {"age": age, **{k: ops.cast(v, self.compute_dtype) for k, v in rows.items()}}

    def step(self, ids, rows: dict, gradient, learning_rate) -> None:
        """Moves the rows of a batch by the rule and writes them back; no other row is touched.

        Args:
            ids: Integer tensor `(batch,)`, distinct example ids.
            rows: What `gather` gave, with the targets at which the gradient was taken.
            gradient: Tensor `(batch, size)`, gradient of the objective by the targets.
            learning_rate: Scalar.
        """
        slots = {key[5:]: rows[key] for key in rows if key.startswith("slot/")}
        gradient = ops.cast(gradient, self.compute_dtype)
        rate = ops.cast(learning_rate, self.compute_dtype)
        change, slots = self.rule.update(gradient, slots, rate)
        new = {"targets": rows["targets"] + change, "age": rows["age"] + 1}
        new |= {f"slot/{name}": value for name, value in slots.items()}
        backend = load_backend()
        for key, value in new.items():
            table = self.tables[key]
            backend.scatter(table, ids, ops.cast(value, table.dtype))

    def _table(self, name: str, size: int, dtype: str) -> keras.Variable:
        return keras.Variable(
            "zeros", (self.num_examples, size), dtype, trainable=False, name=f"store_{name}"
        )
