"""What arrays of any kind hold: NumPy's, backends', pandas' and sparse ones, strings and objects.

For the checks of data, their fingerprints, and the rows that are taken from them.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from raikeras.typing import Nest


def is_array(leaf: Any) -> bool:
    """Whether Keras takes it as an array, dense, sparse or ragged, and not as a stream."""
    known = ("__array__", "tocoo", "todense", "dense_shape", "flat_values")
    return hasattr(leaf, "shape") and any(hasattr(leaf, name) for name in known)


def length(tree: Nest) -> int:
    """Number of examples in nested arrays; `None`s do not count."""
    # Sparse matrices and ragged tensors have no `len`.
    return int(next(leaf for leaf in keras.tree.flatten(tree) if leaf is not None).shape[0])


def is_sparse(leaf: Any) -> bool:
    """Whether it is a sparse matrix of SciPy, TensorFlow or JAX."""
    return any(hasattr(leaf, name) for name in ("tocoo", "dense_shape", "todense"))


def sparse_parts(leaf: Any) -> tuple[np.ndarray, np.ndarray]:
    """Places `(n, axes)` and values `(n,)` of a sparse matrix, in the order of the places."""
    if hasattr(leaf, "tocoo"):  # SciPy
        leaf = leaf.tocoo(copy=True)
        leaf.sum_duplicates()
        places = np.stack(getattr(leaf, "coords", None) or (leaf.row, leaf.col), axis=-1)
        values = leaf.data
    elif hasattr(leaf, "dense_shape"):  # TensorFlow
        places, values = leaf.indices, leaf.values
    elif np.ndim(getattr(leaf, "indices", ())) == 2 and np.ndim(leaf.data) == 1:  # JAX' BCOO
        places, values = np.asarray(leaf.indices), np.asarray(leaf.data)
        inside = (places < np.asarray(leaf.shape)).all(axis=1)  # it pads with places beyond
        places, values = places[inside], values[inside]
    else:
        values = np.asarray(leaf.todense())
        places = np.argwhere(values)
        values = values[tuple(places.T)]
    places, values = np.asarray(places).astype("int64"), np.asarray(values)
    order = np.lexsort(places.T[::-1])
    return places[order], values[order]


def dense(leaf: Any) -> np.ndarray:
    """A dense array as NumPy's."""
    if hasattr(leaf, "detach"):  # PyTorch
        leaf = leaf.detach().cpu()
        leaf = leaf.float() if str(leaf.dtype) == "torch.bfloat16" else leaf
    return np.asarray(leaf)


def first_rows(leaf: Any, count: int) -> Any:
    """The first examples of an array, dense ones of a sparse matrix."""
    if not is_sparse(leaf):
        return leaf[:count]
    places, values = sparse_parts(leaf)
    kept = places[:, 0] < count
    rows = np.zeros((min(count, leaf.shape[0]), *leaf.shape[1:]), values.dtype)
    np.add.at(rows, tuple(places[kept].T), values[kept])
    return rows


def take(leaf: Any, chosen: np.ndarray) -> Any:
    """Examples of an array by their numbers; sparse ones stay sparse."""
    if not is_sparse(leaf):
        return leaf[chosen]
    if hasattr(leaf, "tocoo"):
        return leaf.tocsr()[chosen]
    if not hasattr(leaf, "dense_shape"):
        return leaf[np.asarray(chosen), ...]
    places, values = sparse_parts(leaf)
    first = np.searchsorted(places[:, 0], chosen)
    counts = np.searchsorted(places[:, 0], chosen, side="right") - first
    rows = np.repeat(np.arange(len(chosen)), counts)
    found = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    places = np.column_stack([rows, places[found, 1:]])
    return type(leaf)(places, values[found], (len(chosen), *map(int, leaf.shape[1:])))


def fingerprint(*arrays: Nest) -> str:
    """A digest of what arrays hold, to recognise the data of an earlier `fit`.

    Equal contents have equal digests, in another process too. Shapes and dtypes count, and so does
    how arrays are nested; a sparse matrix has the same digest in all formats of its library.

    Args:
        *arrays: Arrays, nested in lists, tuples and dicts as they please; numbers and `None`.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    for tree in arrays:
        if tree is None or _is_nested(tree):
            digest.update(f"nested {_structure(tree)}".encode())
        for leaf in keras.tree.flatten(tree):
            if leaf is not None:
                _add_array(digest.update, leaf)
    return digest.hexdigest()


def _structure(tree: Nest) -> str:
    """How leaves are nested, in the order in which Keras flattens; lists count as tuples."""
    if not _is_nested(tree):
        return "-" if tree is None else "*"
    if isinstance(tree, dict):
        return "{" + ",".join(f"{key!r}:{_structure(tree[key])}" for key in sorted(tree)) + "}"
    return "(" + ",".join(map(_structure, tree)) + ")"


def _is_nested(tree: Nest) -> bool:
    # A sparse matrix of SciPy may be a dict.
    return isinstance(tree, (dict, list, tuple)) and not is_array(tree)


def _add_array(add: Callable[[bytes], None], leaf: Any) -> None:
    if hasattr(leaf, "flat_values"):
        add(f"ragged {leaf.shape}".encode())
        for part in (leaf.flat_values, *leaf.nested_row_splits):
            _add_array(add, part)
    elif is_sparse(leaf):
        add(f"sparse {tuple(leaf.shape)}".encode())
        for part in sparse_parts(leaf):
            _add_array(add, part)
    else:
        array = np.ascontiguousarray(dense(leaf))
        add(f"{array.shape}{array.dtype}".encode())
        # The bytes of an array of objects are addresses.
        if array.dtype.hasobject:
            _add_object(add, array.tolist())
        else:
            add(array.tobytes())


def _add_object(add: Callable[[bytes], None], value: Any) -> None:
    """Adds type and contents, each with its length, so that no two values read the same."""
    text_of: Any = type(value).__repr__
    if isinstance(value, (list, tuple)):
        add(f"{type(value).__name__} {len(value)}:".encode())
        for item in value:
            _add_object(add, item)
    elif isinstance(value, dict):
        _add_object(add, list(value.items()))
    elif isinstance(value, (set, frozenset)):
        _add_object(add, sorted(fingerprint(np.array([item], object)) for item in value))
    elif isinstance(value, (str, bytes)):
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        add(f"{type(value).__name__} {len(data)}:".encode() + data)
    elif is_array(value):
        add(b"array:")
        _add_array(add, value)
    elif text_of is not object.__repr__:
        text = repr(value).encode()
        add(f"{type(value).__name__} {len(text)}:".encode() + text)
    else:
        add(f"{type(value).__name__}:".encode())
        _add_object(add, vars(value))
