"""Import each of some modules first, in a process of its own: `python -m tests.support.first_imports MODULE ...`.

Starting TensorFlow takes seconds, so one process loads it and forks a child for each module. Keras is unloaded before,
so that the child loads it in the middle of our imports, as a user's process does. Under KERAS_BACKEND=jax TensorFlow
cannot be imported. Prints a line for every module that fails, and exits with 1 if one does.
"""

import importlib
import os
import sys
import traceback


def prepare() -> None:
    """Load the backend, without Keras."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
        importlib.import_module("jax")
    else:
        importlib.import_module("tensorflow")
        for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
            del sys.modules[name]


def fails(module: str) -> bool:
    """Import a module in a child process, and look whether the classes are registered after it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            importlib.import_module(module)
            status = 0
            if module.split(".")[0] == "pixelrnn_tf":
                keras = importlib.import_module("keras")
                status = keras.saving.get_registered_object("pixelrnn_tf>PixelRNN") is None
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)
    return os.waitpid(child, 0)[1] != 0


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    prepare()
    wrong = [module for module in sys.argv[1:] if fails(module)]
    for module in wrong:
        print(f"{module} cannot be imported first")
    sys.exit(bool(wrong))
