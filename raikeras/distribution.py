"""One model over several devices: the layers of a chain lie side by side, each on one of them.

With targets given, no layer of a step waits for another, so devices that hold different layers work
at the same time and only neighbours talk: a regular step exchanges a batch of one layer's values
between each two of them, forwards and backwards, however deep the chain is.
"""

import keras
import numpy as np

from raikeras.backend.names import LAYERS, STACKED
from raikeras.checks import check_integer


def layer_parallel(
    devices: list[str] | None = None, replicas: int = 1
) -> keras.distribution.ModelParallel:
    """A distribution under which chains of equal layers are spread over devices; JAX alone.

    Each device holds as many layers of a chain as any other, with their optimizer's slots and, if
    rows are on the device, with their rows. A chain whose length does not divide trains its last
    layers by themselves. All else is as Keras has it: other weights on every device, batches split
    over `replicas`.

    Set it before the net is built:

    ```python
    keras.distribution.set_distribution(raikeras.distribution.layer_parallel())
    ```

    Args:
        devices: Names as `keras.distribution.list_devices` gives them. `None`: all.
        replicas: Integer, over how many groups of devices a batch is split, which all hold all
            layers. It must divide the number of devices and the batch size.

    Returns:
        A `keras.distribution.ModelParallel` on a mesh `("batch", "layers")`.

    Raises:
        RuntimeError: On another backend than JAX.
        ValueError: If the devices cannot be split so.
    """
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "Layers lie on several devices on JAX alone: Keras has no such distribution elsewhere. "
            f"Set KERAS_BACKEND=jax. Received: backend={keras.backend.backend()!r}"
        )
    check_integer("replicas", replicas, 1)
    devices = keras.distribution.list_devices() if devices is None else list(devices)
    if len(devices) % replicas:
        raise ValueError(
            f"`replicas` must divide the number of devices. Received: replicas={replicas}, "
            f"{len(devices)} devices"
        )
    shape = (replicas, len(devices) // replicas)
    mesh = keras.distribution.DeviceMesh(shape, ("batch", LAYERS), np.array(devices))
    layout = keras.distribution.LayoutMap(mesh)
    layout[f".*{STACKED}_kernel_.*"] = (LAYERS, None, None)
    layout[f".*{STACKED}_bias_.*"] = (LAYERS, None)
    layout[f".*{STACKED}_store_.*"] = (LAYERS, None)
    return keras.distribution.ModelParallel(
        layout_map=layout, batch_dim_name="batch", auto_shard_dataset=False
    )
