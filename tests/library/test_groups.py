"""Groups of cuts: their layout, sums over units, and rows that lie in it, wherever kept."""

import keras
import numpy as np
import pytest
from keras import ops

import raikeras
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.optimizers import Rprop
from raikeras.rows.layout import Group, Sums, by_cut, from_cuts, regrouped
from raikeras.rows.rules import row_rule
from raikeras.rows.storage import Store, store_bytes

RNG = np.random.default_rng(0)
# Cuts 0, 1 and 5 alone, one of them a feature map; 2 to 4 a chain.
SHAPES = [(3,), (2, 2), (4,), (4,), (4,), (1,)]
GROUPS = [
    Group((0, 1, 5), (SHAPES[0], SHAPES[1], SHAPES[5]), False),
    Group((2, 3, 4), tuple(SHAPES[2:5]), True),
]
ALONE = [Group(tuple(range(6)), tuple(SHAPES), False)]
ROWS = 7


def drawn(examples=ROWS):
    """Values of every cut."""
    return [RNG.normal(size=(examples, *shape)).astype("float32") for shape in SHAPES]


def test_cuts_are_grouped_and_told_apart_again():
    values = drawn()
    alone, chain = from_cuts(GROUPS, values)
    assert alone.shape == GROUPS[0].shape(ROWS) == (ROWS, 8)
    assert chain.shape == GROUPS[1].shape(ROWS) == (3, ROWS, 4)
    np.testing.assert_array_equal(alone[:, 3:7], values[1].reshape(ROWS, 4))
    np.testing.assert_array_equal(chain[1], values[3])
    for found, wanted in zip(by_cut(GROUPS, [alone, chain]), values, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("groups", [GROUPS, ALONE], ids=["grouped", "alone"])
def test_sums_by_cut_and_back(groups):
    values, sums = drawn(), Sums(groups)
    order = [place for group in groups for place in group.places]
    wanted = [values[place].reshape(ROWS, -1).sum(axis=1) for place in order]
    tensors = [ops.convert_to_tensor(part) for part in from_cuts(groups, values)]
    found = sums.sum(tensors)
    np.testing.assert_allclose(ops.convert_to_numpy(found).T, wanted, rtol=1e-5, atol=1e-6)
    total = ops.convert_to_numpy(sums.total(tensors))
    np.testing.assert_allclose(total[:, 0], np.sum(wanted, axis=0), rtol=1e-5, atol=1e-6)
    numbers = ops.convert_to_tensor(RNG.normal(size=(ROWS, 6)).astype("float32"))
    spread = [
        np.broadcast_to(ops.convert_to_numpy(part), tensor.shape)
        for part, tensor in zip(sums.spread(numbers), tensors, strict=True)
    ]
    for place, part in enumerate(by_cut(groups, spread)):
        column = ops.convert_to_numpy(numbers)[:, order.index(place)]
        flat = part.reshape(ROWS, -1)
        np.testing.assert_array_equal(flat, np.repeat(column[:, None], flat.shape[1], axis=1))


def test_a_pattern_does_not_depend_on_what_is_stacked():
    patterns = [Sums(groups).pattern("float32") for groups in (GROUPS, ALONE)]
    one, other = (
        by_cut(groups, [ops.convert_to_numpy(part) for part in pattern])
        for groups, pattern in zip((GROUPS, ALONE), patterns, strict=True)
    )
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert np.linalg.norm(ours) == pytest.approx(1)


def test_ten_thousand_equal_cuts_alone_are_one_array():
    sizes = ((5,),) * 10_000 + ((1,),)
    assert len(Sums([Group(tuple(range(10_001)), sizes, False)])._runs[0]) == 2


# Rows


@pytest.mark.parametrize("rule", ["sgd", "adam", "rprop"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("storage", ["device", "host", "path"])
def test_rows_move_the_same_grouped_or_alone(storage, dtype, rule, tmp_path):
    """Only those of the batch, a repeated id once: a chain's rows as those side by side."""
    optimizer = Rprop(0.1) if rule == "rprop" else keras.optimizers.get(rule)
    optimizer.learning_rate = 0.1
    start, slopes, ids = drawn(), [drawn(4) for _ in range(3)], np.array([5, 0, 5, 2], "int32")
    found = []
    for number, groups in enumerate((GROUPS, ALONE)):
        place = str(tmp_path / f"{number}.rows") if storage == "path" else storage
        store = Store(ROWS, groups, dtype, row_rule(optimizer), place)
        for key, part in enumerate(from_cuts(groups, start)):
            store.write(f"targets/{key}", np.arange(ROWS), part)
        for slope in slopes:
            gradient = [ops.convert_to_tensor(part) for part in from_cuts(groups, slope)]
            store.step(ids, store.gather(ids), gradient, 0.1)
        rows = by_cut(groups, [part.astype("float32") for part in store.targets(np.arange(ROWS))])
        found.append(rows)
        assert store.read("age", [0, 1, 5]).ravel().tolist() == [3, 0, 3]
        layout = store_bytes(ROWS, groups, dtype, row_rule(optimizer))
        assert layout == sum(
            np.prod(t.shape) * np.dtype(t.dtype).itemsize for t in store.tables.values()
        )
    for place, (ours, theirs) in enumerate(zip(*found, strict=True)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
        still = start[place][[1, 3, 4, 6]].astype(np.dtype(dtype)).astype("float32")
        np.testing.assert_array_equal(ours[[1, 3, 4, 6]], still)


@pytest.mark.parametrize("storage", ["device", "host", "path"])
def test_rows_and_slots_go_on_in_other_groups(storage, tmp_path):
    place = str(tmp_path / "table.rows") if storage == "path" else storage
    rule = row_rule(keras.optimizers.Adam(0.1))
    store, ids = Store(ROWS, GROUPS, "float32", rule, place), np.arange(ROWS, dtype="int32")
    move = [ops.convert_to_tensor(part) for part in from_cuts(GROUPS, drawn())]
    store.step(ids, store.gather(ids), move, 0.1)

    def values(name):
        count = len(store.groups)
        return by_cut(store.groups, [store.read(f"{name}/{k}", ids) for k in range(count)])

    before = {name: values(name) for name in ("targets", "slot/mean", "slot/variance")}
    store.use(ALONE, rule, keep_slots=True)
    assert len(store.targets(ids)) == 1
    for name, wanted in before.items():
        for ours, theirs in zip(values(name), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert store.read("slot/count", ids).ravel().tolist() == [1] * ROWS
    assert store.read("age", ids).ravel().tolist() == [1] * ROWS


def make_model(optimizer=None, fuse=True):
    keras.utils.set_random_seed(1)
    hidden = [keras.layers.Dense(4, "tanh", name=f"h{k}") for k in range(4)]
    net = keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1, name="out")])
    model = raikeras.RelaxedModel(net, fuse=fuse)
    model.compile(optimizer or keras.optimizers.Adam(0.05), "mse")
    return model


X, Y = RNG.normal(size=(ROWS, 3)).astype("float32"), RNG.normal(size=(ROWS, 1)).astype("float32")
WHOLE = {"batch_size": ROWS, "shuffle": False, "verbose": 0}


def test_a_chain_is_a_group_where_it_may_be_stacked():
    model = make_model()
    groups = model.relaxed.network.groups
    assert [(group.places, group.stacked) for group in groups] == [
        ((0, 4), False),
        ((1, 2, 3), True),
    ]
    assert len(make_model(fuse=False).relaxed.network.groups) == 1
    layers = model.net.layers
    assert RelaxedNetwork(model.net, [], "pre_activation").groups == []
    assert len(RelaxedNetwork(model.net, layers, "pre_activation", stack=False).groups) == 1


def test_training_goes_on_where_a_chain_falls_apart():
    """A regularizer on one layer splits the chain: rows and slots are the same as before."""
    model, alone = make_model(), make_model(fuse=False)
    for each in (model, alone):
        each.fit(X, Y, epochs=3, **WHOLE)
        each.net.layers[2].kernel_regularizer = keras.regularizers.L2(0.01)
        each.compile(keras.optimizers.Adam(0.05), "mse")
        each.fit(X, Y, epochs=3, **WHOLE)
    assert [group.stacked for group in model.relaxed.network.groups] == [False]
    rows = [each.targets(np.arange(ROWS)) for each in (model, alone)]
    for name, ours in rows[0].items():
        np.testing.assert_allclose(ours, rows[1][name], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Equal Dense layers train one by one")
def test_a_chain_whose_optimizer_keeps_it_apart_trains_the_same():
    model, alone = (
        make_model(keras.optimizers.SGD(0.1, clipnorm=1.0), fuse) for fuse in (True, False)
    )
    for each in (model, alone):
        each.target_rule = raikeras.Learned(optimizer=keras.optimizers.SGD(0.1))
        each.fit(X, Y, epochs=3, **WHOLE)
    for ours, theirs in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_rule_that_returns_something_else_is_told_what_is_wanted():
    class Flat(raikeras.TargetRule):
        def set(self, step):
            return step.values()[0]

    keras.utils.set_random_seed(1)
    model = raikeras.RelaxedModel(make_model().net, targets=Flat())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"lists of a tensor for each group.*\('batch', 5\)"):
        model.fit(X, Y, verbose=0)


def test_rows_follow_the_net_when_anyone_looks_at_it():
    """Not `fit` alone: `predict` notices the change, then targets are read and a step is made."""
    model = make_model()
    model.fit(X, Y, epochs=3, **WHOLE)
    before = model.targets(np.arange(ROWS))
    model.net.layers[2].kernel_regularizer = keras.regularizers.L2(0.01)
    model.predict(X, verbose=0)
    assert [group.stacked for group in model.store.groups] == [False]
    for name, rows in model.targets(np.arange(ROWS)).items():
        np.testing.assert_array_equal(rows, before[name])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    ids = np.arange(2, dtype="int32")
    model.train_on_batch({"inputs": X[:2], "example_id": ids}, Y[:2])
    assert model.store.read("age", [0, 2]).ravel().tolist() == [4, 3]


def test_a_chain_that_the_task_does_not_see_stays():
    """Two outputs, and a loss for one of them: on TensorFlow a gradient is missing altogether."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    seen = keras.layers.Dense(1, name="seen")(keras.layers.Dense(4, "tanh")(inputs))
    other = inputs
    for k in range(4):
        other = keras.layers.Dense(5, "tanh", name=f"other_{k}")(other)
    net = keras.Model(inputs, [seen, other])
    model = raikeras.RelaxedModel(net, targets=raikeras.Gradient())
    model.compile(keras.optimizers.SGD(0.1), ["mse", None])
    before = {layer.name: [w.copy() for w in layer.get_weights()] for layer in net.layers}
    model.fit(X, [Y, np.zeros((ROWS, 5), "float32")], epochs=2, verbose=0)
    for layer in net.layers:
        for old, new in zip(before[layer.name], layer.get_weights(), strict=True):
            assert (np.abs(new - old).max() > 0) != layer.name.startswith("other")


def test_regrouped_values_are_those_of_the_same_cuts():
    values = drawn()
    for one, other in ((GROUPS, ALONE), (ALONE, GROUPS)):
        tensors = [ops.convert_to_tensor(part) for part in from_cuts(one, values)]
        found = [ops.convert_to_numpy(part) for part in regrouped(tensors, one, other)]
        for ours, theirs in zip(by_cut(other, found), values, strict=True):
            np.testing.assert_array_equal(ours, theirs)
