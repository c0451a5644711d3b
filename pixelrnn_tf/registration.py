"""Registers the classes of the library with Keras: at once if Keras is loaded, otherwise as soon as it is.

So `keras.models.load_model` knows them after `import pixelrnn_tf`, whichever is imported first, and what needs no Keras
(a client of a server, the help of a program) does not wait for TensorFlow to load.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

# The modules whose import registers every class.
_REGISTERING = ("pixelrnn_tf.layers", "pixelrnn_tf.models")


def register_with_keras() -> None:
    """Import the registering modules now if Keras is loaded, or else right after it is."""
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register() -> None:
    for name in _REGISTERING:
        importlib.import_module(name)


class _KerasFinder(importlib.abc.MetaPathFinder):
    """Finds Keras as everybody else does, and has its loader register the classes at the end."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, None, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _RegisteringLoader(spec.loader)
                return spec
        return None


class _RegisteringLoader(importlib.abc.Loader):
    """The loader of Keras, and then the registration."""

    def __init__(self, loader: importlib.abc.Loader):
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        _register()

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)  # Such as the reading of its resources.
