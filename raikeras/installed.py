"""Whether the backend that Keras is about to load is there: imports nothing, not even Keras."""

import importlib.util
import json
import os
import sys

SUPPORTED = ("tensorflow", "jax", "torch")


def check_backend() -> None:
    """Ends an import that Keras would end with a traceback from inside its backend.

    Keras takes TensorFlow unless told otherwise, whatever is installed.

    Raises:
        ImportError: If the backend that Keras is set to is not installed.
    """
    if "keras" in sys.modules:
        return  # it has its backend already
    name, origin = chosen_backend()
    if is_installed(name):
        return
    found = [each for each in SUPPORTED if is_installed(each)]
    if found:
        advice = f"Set KERAS_BACKEND={found[0]} in the environment before Python imports Keras"
        advice += f", or pip install {name}" if name in SUPPORTED else ""
    else:
        advice = "Install one: pip install tensorflow; or pip install jax, then KERAS_BACKEND=jax"
    known = f"{', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}"
    raise ImportError(
        f"The Keras backend must be installed, {known}. Received: backend='{name}' ({origin}), "
        f"installed: {', '.join(found) or 'none of them'}. {advice}."
    )


def chosen_backend() -> tuple[str, str]:
    """The backend that Keras will load, and who chose it: read in Keras' own order."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "set by KERAS_BACKEND"
    home = os.path.expanduser("~")
    folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    path = os.path.expanduser(os.path.join(os.environ.get("KERAS_HOME", folder), "keras.json"))
    try:
        with open(path) as file:
            return json.load(file)["backend"], f"set in {path}"
    except (OSError, ValueError, KeyError):
        return "tensorflow", "Keras' default, as KERAS_BACKEND is not set"


def is_installed(name: str) -> bool:
    """Whether a package can be imported; it is not, for TensorFlow takes seconds."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None  # else a folder that happens to be there
