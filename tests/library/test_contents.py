"""Fingerprints: equal for equal contents, in any process, and for nothing else."""

import subprocess
import sys

import keras
import ml_dtypes
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import raikeras
from raikeras.data.contents import fingerprint, first_rows, sparse_parts, take

X = np.arange(12).reshape(4, 3)
WORDS = [["good film"], ["bad film"], ["good good"], ["ünd"]]
SPARSE = np.array([[0, 2, 0], [0, 0, 0], [3, 0, 4]], "float32")
FORMATS = ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")
# Of 0.1.0, before strings and nesting counted: backups hold such digests.
BEFORE = {
    "float32": "edb11c1f9ca1e856a897bb989a664b0e",
    "int64": "6e3e4e1b892cb93e0bea347a65222739",
    "bool": "bdeb2c96ca12ac1321296212c8ccf9e3",
    "float16": "bc2affb8558890437eab8884151c6008",
    "<U3": "89934aad8f70a7752fb64cd2180fb4ef",
    "S2": "68df17b175c1b0cea136216b916caaf6",
    "datetime64[D]": "e56c8a7b964bb66c649f51114c6c0b01",
    "bfloat16": "c9d33d523bea472b2f5353bfe9391085",
}


def objects(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize("dtype", BEFORE)
def test_digests_of_plain_arrays_are_those_of_earlier_versions(dtype):
    array = X.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    assert fingerprint(array) == BEFORE[dtype]


def test_digests_of_several_plain_arrays_are_those_of_earlier_versions():
    x, y = X.astype("float32"), X[:, :1].astype("int32")
    assert fingerprint(x, y) == "1df6a097893e4fa0e921d8f163e38fe8"
    assert fingerprint(x, y, 3) == "970d43693dd1001084e4ac7653aa73d2"


SAME = {
    "strings": lambda: objects(*(w[0] for w in WORDS)),
    "bytes": lambda: np.array([w[0].encode() for w in WORDS], object),
    "fixed strings": lambda: np.array(WORDS),
    "mixed": lambda: objects(1, 1.5, "a", b"b", None, True, float("nan"), np.float32(2), 10**30),
    "nested": lambda: objects([1, [2.0]], (3,), {"a": X + 1}, {"x", "y"}, X.copy()),
    "times": lambda: objects(pd.Timestamp("2020-01-02"), np.datetime64("2020-01-02"), pd.NA),
    "frame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, None]}),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical(["u", "v", "u"]), "b": [1, 2, 3]}),
    "backend": lambda: keras.ops.convert_to_tensor(X),
    "transposed": lambda: np.asfortranarray(X),
    "strided": lambda: np.repeat(X, 2, axis=0)[::2],
    **{name: lambda name=name: getattr(scipy.sparse, f"{name}_array")(SPARSE) for name in FORMATS},
}
CHANGED = {
    "strings": objects("good film", "bad film", "good good", "und"),
    "bytes": objects(b"good film", b"bad film", b"good goo", b"d\xc3\xbcnd"),
    "fixed strings": np.array(WORDS[::-1]),
    "mixed": objects(1, 1.5, "a", b"b", None, 1, float("nan"), np.float32(2), 10**30),
    "nested": objects([1, [2.0]], (3,), {"a": X}, {"x", "y"}, X.copy()),
    "times": objects(pd.Timestamp("2020-01-02"), np.datetime64("2020-01-03"), pd.NA),
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "z"], "c": [0.5, None]}),
    "categories": pd.DataFrame({"a": pd.Categorical(["u", "v", "v"]), "b": [1, 2, 3]}),
    "backend": X + 1,
    "transposed": X.T,
    "strided": X[::-1],
    **{name: scipy.sparse.csr_array(SPARSE * [[1, 2, 1]]) for name in FORMATS},
}
if hasattr(np.dtypes, "StringDType"):  # NumPy 2
    SAME["new strings"] = lambda: np.array(WORDS, np.dtypes.StringDType())
    CHANGED["new strings"] = np.array(WORDS[::-1], np.dtypes.StringDType())


@pytest.mark.parametrize("kind", SAME)
def test_equal_contents_have_equal_digests_and_others_have_others(kind):
    assert fingerprint(SAME[kind]()) == fingerprint(SAME[kind]())
    assert fingerprint(SAME[kind]()) != fingerprint(CHANGED[kind])


def test_the_order_in_memory_does_not_count():
    digests = {fingerprint(SAME[kind]()) for kind in ("backend", "transposed", "strided")}
    dtype = keras.backend.standardize_dtype(SAME["backend"]().dtype)
    assert digests == {fingerprint(X.astype(dtype)), fingerprint(X)}


def test_formats_of_a_sparse_matrix_are_one_and_its_dense_one_is_another():
    assert len({fingerprint(SAME[name]()) for name in FORMATS}) == 1
    assert fingerprint(SAME["csr"]()) != fingerprint(SPARSE)
    twice = scipy.sparse.coo_array(([1, 1, 3, 4], ([0, 0, 2, 2], [1, 1, 0, 2])), SPARSE.shape)
    assert fingerprint(twice.astype("float32")) == fingerprint(SAME["csr"]())


def test_types_and_lengths_of_objects_count():
    others = [["1", 2], [1, 2], [1, 2.0], [True, 2], ["12", ""], ["1", "2"], [b"1", b"2"]]
    others += [[None, "12"], [["1", "2"], None], [("1", "2"), None], [["1"], ["2"]]]
    assert len({fingerprint(objects(*pair)) for pair in others}) == len(others)


def test_nesting_counts():
    a, b = X.astype("float32"), X.astype("float32") + 1
    trees = [((a, b), None), (a, b), ({"p": a, "q": b},), ({"q": a, "p": b},), ({"p": a, "r": b},)]
    trees += [(((a,), b),), ((a, (b,)),), (a, None, b), (None, a, b)]
    assert len({fingerprint(*tree) for tree in trees}) == len(trees)
    assert fingerprint([a, b]) == fingerprint((a, b))  # the net takes either


def test_new_contents_of_the_same_object_count():
    array, words = X.copy(), objects("a", "b")
    before = fingerprint(array), fingerprint(words)
    array[2, 1], words[1] = -1, "c"
    assert fingerprint(array) != before[0]
    assert fingerprint(words) != before[1]


def test_another_process_finds_the_same_digests():
    """Python's own hashes of strings differ between processes."""
    code = "import numpy as np\nfrom raikeras.data.contents import fingerprint\n" + (
        "a = np.empty(3, object); a[:] = ['ü', {'x', 'y', 'z'}, [b'b', None, 1.5]]\n"
        "print(fingerprint(a, {'k': a}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    array = objects("ü", {"x", "y", "z"}, [b"b", None, 1.5])
    assert run.stdout.strip() == fingerprint(array, {"k": array})


def test_rows_of_sparse_matrices():
    for name in FORMATS:
        matrix = SAME[name]()
        places, values = sparse_parts(matrix)
        assert places.tolist() == [[0, 1], [2, 0], [2, 2]]
        assert values.tolist() == [2, 3, 4]
        np.testing.assert_array_equal(first_rows(matrix, 2), SPARSE[:2])
        np.testing.assert_array_equal(take(matrix, [2, 0, 2]).toarray(), SPARSE[[2, 0, 2]])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="strings are TensorFlow's")
def test_strings_can_be_trained_on_again():
    import tensorflow as tf

    words = tf.constant(WORDS)
    vectorize = keras.layers.TextVectorization(max_tokens=10, output_sequence_length=3)
    vectorize.adapt(words)
    inputs = keras.Input((1,), dtype="string")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(10, 2)(vectorize(inputs)))
    net = keras.Model(inputs, keras.layers.Dense(1)(embedded))
    model = raikeras.RelaxedModel(net)
    model.compile("sgd", "mse")
    y = np.ones((4, 1), "float32")
    for same in (words, words, tf.identity(words)):
        model.fit(same, y, verbose=0)
    with pytest.raises(ValueError, match="other data than before"):
        model.fit(tf.reverse(words, [0]), y, verbose=0)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's kinds of tensors")
def test_sparse_and_ragged_tensors():
    import tensorflow as tf

    sparse, ragged = tf.sparse.from_dense, tf.ragged.constant
    assert fingerprint(sparse(SPARSE)) == fingerprint(sparse(SPARSE))
    assert fingerprint(sparse(SPARSE)) == fingerprint(SAME["csr"]())
    assert fingerprint(sparse(SPARSE)) != fingerprint(sparse(2 * SPARSE))
    assert fingerprint(ragged([[1], [2, 3]])) == fingerprint(ragged([[1], [2, 3]]))
    assert fingerprint(ragged([[1], [2, 3]])) != fingerprint(ragged([[1, 2], [3]]))
    np.testing.assert_array_equal(
        tf.sparse.to_dense(take(sparse(SPARSE), np.array([2, 1, 0, 2]))), SPARSE[[2, 1, 0, 2]]
    )
