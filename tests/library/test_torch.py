"""What is PyTorch's own: modules, parameters, its generator, its dtypes of ids."""

import keras
import numpy as np
import pytest

import raikeras

if keras.backend.backend() != "torch":
    pytest.skip("it is about PyTorch", allow_module_level=True)
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 4)).astype("float32")
Y = RNG.normal(size=(8, 1)).astype("float32")


def make_net(dropout=False):
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(4, "tanh") for _ in range(3)]
    rest = [keras.layers.Dropout(0.5)] if dropout else []
    return keras.Sequential([keras.Input((4,)), *hidden, *rest, keras.layers.Dense(1)])


def make_model(net=None, **settings):
    model = raikeras.RelaxedModel(net or make_net(), **settings)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5), "mse")
    return model


def fit(model, **settings):
    call = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0} | settings
    return model.fit(settings.pop("x", X), Y, **{k: v for k, v in call.items() if k != "x"})


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int64"])
def test_ids_of_any_integer_dtype_find_their_rows(dtype):
    weights = []
    for kind in ("int32", dtype):
        model = make_model()
        fit(model, x={"inputs": X, "example_id": np.arange(8)[::-1].astype(kind)})
        weights.append(model.net.get_weights())
    chosen = np.array([1, 0, 1, 1, 0, 0, 0, 0], dtype)
    for rows in model.targets(chosen).values():
        assert len(rows) == 8
        np.testing.assert_array_equal(rows[0], rows[2])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_modules_parameters_are_the_nets_weights_and_live_while_it_trains():
    model, apart = make_model(), []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert model.relaxed.attached_chains()
            state = model.net.state_dict()
            for variable in model.net.variables:
                shown = [own for name, own in state.items() if name.endswith(variable.path)]
                assert shown
                apart.extend(np.abs(own.numpy() - variable.numpy()).max() for own in shown)

    fit(model, callbacks=[Look()])
    assert apart and max(apart) == 0
    assert not [name for name in model.state_dict() if "store" in name or "chain" in name]
    for parameter in model.net.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.numel() * 4  # its own again


def test_weights_loaded_in_a_callback_stay():
    model = make_model(targets=raikeras.Gradient(0.5), deployed_every=0)

    class Load(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for parameter in model.net.parameters():
                torch.nn.init.zeros_(parameter)

    fit(model, callbacks=[Load()])
    assert all((weight == 0).all() for weight in model.net.get_weights())


def test_trainable_may_be_set_while_a_chain_trains():
    model = make_model()

    class Freeze(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model.net.layers[1].trainable = False

    fit(model, callbacks=[Freeze()])
    assert not model.net.layers[1].kernel.trainable


def test_a_weight_that_pytorch_was_told_to_leave_stays():
    net = make_net()
    net.layers[-1].requires_grad_(False)
    before = net.get_weights()
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        fit(make_model(net, targets=raikeras.Gradient(0.5)))
    moved = [(a != b).any() for a, b in zip(net.get_weights(), before, strict=True)]
    assert moved == [True] * 6 + [False] * 2


def test_measuring_gradients_draws_no_random_number():
    net = make_net(dropout=True)
    net.compile("sgd", "mse")
    before = torch.get_rng_state()
    raikeras.diagnostics.gradient_norms(net, X, Y)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_reader_of_data_draws_beside_a_backup_as_without(tmp_path):
    seen = []
    for callbacks in ([], [raikeras.callbacks.Backup(tmp_path / "backup")]):
        drawn = []

        def collate(rows, drawn=drawn):
            drawn.append(round(float(torch.randn(())), 4))
            return (np.stack([x for x, _ in rows]), np.stack([y for _, y in rows]))

        data = list(zip(X, Y, strict=True))
        model = make_model(targets=raikeras.Gradient(0.5))
        torch.manual_seed(1)
        loader = torch.utils.data.DataLoader(data, 4, shuffle=True, collate_fn=collate)
        model.fit(loader, epochs=5, verbose=0, callbacks=callbacks)
        seen.append(drawn)
    assert seen[0] == seen[1] and len(set(seen[0])) == len(seen[0])
