"""Imports run one way, in no circles; every module can be the first import of a process; programs start at once."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.support.import_graph import Import, circles, loaded_with, read_imports, read_modules

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("pixelrnn_cli", "pixelrnn_tf", "trainers", "export", "benchmarks")

# Everyone may import these, and they import each other at most.
COMMON = tuple(
    f"pixelrnn_tf.{name}"
    for name in (
        "files",
        "concrete_value",
        "integers",
        "pictures",
        "precision",
        "progress",
        "regular_files",
        "tensorflow_files",
        "typing",
        "version",
        "zoo",
    )
)

_NETWORK = ("pixelrnn_tf.layers", "pixelrnn_tf.models", "pixelrnn_tf.sampling")
_UP_TO_CODEC = (*_NETWORK, "pixelrnn_tf.backend", "pixelrnn_tf.distributions", "pixelrnn_tf.compression")
_UP_TO_EVALUATION = (*_UP_TO_CODEC, "pixelrnn_tf.data", "pixelrnn_tf.devices", "pixelrnn_cli", "pixelrnn_tf.evaluation")
_LIBRARY = (*_UP_TO_EVALUATION, "pixelrnn_tf.training", "pixelrnn_tf.serving")
# What each part may import besides itself and what is common.
ARROWS = {
    "pixelrnn_cli": ("pixelrnn_tf.data",),  # `DataConfig.load`, when it is called.
    "pixelrnn_tf.backend": (),
    "pixelrnn_tf.layers": (),
    "pixelrnn_tf.models": (*_NETWORK[:1], "pixelrnn_tf.backend"),
    "pixelrnn_tf.sampling": _NETWORK[:2],
    "pixelrnn_tf.distributions": _NETWORK,
    "pixelrnn_tf.compression": (*_NETWORK, "pixelrnn_tf.backend"),
    "pixelrnn_tf.data": (),
    "pixelrnn_tf.devices": ("pixelrnn_cli", "pixelrnn_tf.backend"),
    "pixelrnn_tf.evaluation": _UP_TO_EVALUATION,
    "pixelrnn_tf.training": _UP_TO_EVALUATION,
    "pixelrnn_tf.serving": (*_UP_TO_CODEC, "pixelrnn_tf.data"),
    "pixelrnn_tf.programs": _LIBRARY,
    "trainers": (*_LIBRARY, "pixelrnn_tf.programs"),
    "export": (*_LIBRARY, "pixelrnn_tf.programs"),
    "benchmarks": (*_LIBRARY, "pixelrnn_tf.programs"),
}
# The library names its parts.
ROOT_IMPORTS = (*_NETWORK, "pixelrnn_tf.compression", *COMMON)

SLOW = {"jax", "keras", "matplotlib", "sklearn", "tensorflow", "tensorflow_datasets", "tensorflow_probability"}
# These run on every backend of Keras. One module of theirs asks which it is: the loops.
BACKEND_FREE = _NETWORK
BACKENDS = {"jax", "tensorflow", "tensorflow_probability", "tf_keras", "torch"}
ASK_FOR_THE_BACKEND = ("pixelrnn_tf.layers.scan",)


def part_of(module: str) -> str | None:
    """The part of the house a module belongs to."""
    return next((part for part in (*ARROWS, *COMMON) if module == part or module.startswith(f"{part}.")), None)


def against_the_arrows(imports: list[Import]) -> list[str]:
    """The imports that run the wrong way."""
    wrong = []
    for edge in imports:
        source, target = part_of(edge.importer), part_of(edge.imported)
        is_ours = edge.imported.split(".")[0] in PACKAGES
        if edge.importer == "pixelrnn_tf":
            allowed = ROOT_IMPORTS
        else:
            allowed = COMMON if source in COMMON else (source, *ARROWS[source], *COMMON)
        if is_ours and target not in allowed:
            wrong.append(str(edge))
    return wrong


def not_backend_free(imports: list[Import]) -> list[str]:
    """Imports of one backend's packages where every backend is to work."""
    return [
        str(edge)
        for edge in imports
        if part_of(edge.importer) in BACKEND_FREE
        and edge.imported.split(".")[0] in BACKENDS
        and edge.importer not in ASK_FOR_THE_BACKEND
    ]


@pytest.fixture(scope="module")
def imports():
    return read_imports(read_modules(ROOT, PACKAGES))


def test_imports_follow_the_arrows(imports):
    assert against_the_arrows(imports) == []


def test_no_modules_import_each_other(imports):
    assert circles(imports) == []


def test_the_networks_need_no_particular_backend(imports):
    assert not_backend_free(imports) == []


def test_programs_load_nothing_slow_before_their_flags_are_read(imports):
    programs = [name for name in read_modules(ROOT, PACKAGES) if name.split(".")[0] in ("trainers", "export")]
    assert len(programs) > 12
    for program in (*programs, "pixelrnn_cli.command"):
        loaded = {name.split(".")[0] for name in loaded_with(program, imports)}
        assert loaded & (SLOW | {"pixelrnn_tf"}) == set(), program


def modules(within: tuple[str, ...] = PACKAGES[:2], packages_only: bool = False) -> list[str]:
    found = read_modules(ROOT, PACKAGES)
    return [
        name
        for name, path in found.items()
        if any(name == part or name.startswith(f"{part}.") for part in within)
        and (not packages_only or path.name == "__init__.py")
    ]


def first_imports(names: list[str], cwd: pathlib.Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tests/support/first_imports.py"), *names]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)


ON_JAX = ("pixelrnn_tf.layers", "pixelrnn_tf.models", "pixelrnn_tf.sampling", "pixelrnn_tf.compression")


@pytest.mark.parametrize("some", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["some", "every"])
def test_packages_can_be_imported_first(some):
    packages = ["pixelrnn_cli", "pixelrnn_tf.compression", "pixelrnn_tf.serving", "pixelrnn_tf.training"]
    done = first_imports(packages if some else [*modules(packages_only=True), "pixelrnn_tf.backend"])
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_networks_can_be_imported_first_on_jax_without_tensorflow():
    done = first_imports(["pixelrnn_tf.compression"], KERAS_BACKEND="jax")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.slow
def test_every_module_can_be_imported_first():
    done = first_imports(modules())
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.slow
def test_every_module_of_the_networks_can_be_imported_first_on_jax_without_tensorflow():
    done = first_imports(modules(ON_JAX), KERAS_BACKEND="jax")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# A package that registers its classes from a hook when Keras is loaded: Keras's loader then imports `models` in the
# middle of whatever was importing Keras.
HOOKED = {
    "pixelrnn_tf/__init__.py": """
import importlib, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("keras")
        load = spec.loader.exec_module
        def exec_module(module):
            load(module)
            importlib.import_module("pixelrnn_tf.models")
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder())
""",
    "pixelrnn_tf/models.py": "import keras\nfrom pixelrnn_tf.backend import compiled\n"
    "@keras.saving.register_keras_serializable(package='pixelrnn_tf')\nclass PixelRNN(keras.Model): pass",
    "pixelrnn_tf/backend.py": "import keras\ndef compiled(): pass",
}


def test_a_planted_import_hook_is_found(tmp_path):
    write(tmp_path, HOOKED)
    done = first_imports(["pixelrnn_tf.models", "pixelrnn_tf.backend"], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "pixelrnn_tf.backend cannot be imported first\n"), done.stderr
    assert "partially initialized module 'pixelrnn_tf.backend'" in done.stderr


PLANTED = {
    "pixelrnn_tf/__init__.py": "from pixelrnn_tf.version import __version__",
    "pixelrnn_tf/version.py": "__version__ = '0'",
    "pixelrnn_tf/layers/__init__.py": "from pixelrnn_tf.layers.masks import mask",
    "pixelrnn_tf/layers/masks.py": "def mask():\n    from pixelrnn_tf.models.network import Network\n    import jax",
    "pixelrnn_tf/layers/scan.py": "import tensorflow",
    "pixelrnn_tf/models/__init__.py": "import keras\nfrom .network import Network",
    "pixelrnn_tf/models/network.py": "from pixelrnn_tf.layers.masks import mask",
    "pixelrnn_tf/programs/__init__.py": "",
    "pixelrnn_tf/programs/files.py": "from pixelrnn_tf import models",
    "trainers/__init__.py": "",
    "trainers/loop.py": "if TYPE_CHECKING:\n    from export import client",
    "export/__init__.py": "from export.client import Client",
    "export/client.py": "class Client:\n    import export",
}


def write(folder: pathlib.Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)


def test_a_planted_circle_and_a_planted_wrong_way_are_found(tmp_path):
    write(tmp_path, PLANTED)
    planted = read_imports(read_modules(tmp_path, PACKAGES))
    assert circles(planted) == [
        ["export", "export.client"],
        ["pixelrnn_tf.layers.masks", "pixelrnn_tf.models.network"],
    ]
    assert against_the_arrows(planted) == [
        "pixelrnn_tf.layers.masks imports pixelrnn_tf.models.network",
        "trainers.loop imports export.client",
    ]
    assert not_backend_free(planted) == ["pixelrnn_tf.layers.masks imports jax"]
    assert "keras" in loaded_with("pixelrnn_tf.programs.files", planted)
    assert "jax" not in loaded_with("pixelrnn_tf.layers.masks", planted), "it is imported in a function"
