"""Imports run one way through the house, in no circles, and what must start at once loads nothing slow."""

import pathlib

import pytest

from tests.support.import_graph import Import, circles, loaded_with, read_imports, read_modules

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("pixelrnn_tf", "trainers", "export")

# Names, types, precisions, where the presets lie and what is known of a tensor: everyone may use them, and they use
# nothing.
COMMON = tuple(
    f"pixelrnn_tf.{name}" for name in ("known_values", "precision", "registration", "typing", "version", "zoo")
)

_NETWORK = ("pixelrnn_tf.layers", "pixelrnn_tf.models", "pixelrnn_tf.sampling")
_LIBRARY = (*_NETWORK, "pixelrnn_tf.distributions", "pixelrnn_tf.compression", "pixelrnn_tf.data")
# What each part may import besides itself and what is common.
ARROWS = {
    "pixelrnn_tf.backend": (),
    "pixelrnn_tf.layers": (),
    "pixelrnn_tf.models": (*_NETWORK[:1], "pixelrnn_tf.backend"),
    "pixelrnn_tf.sampling": _NETWORK[:2],
    "pixelrnn_tf.distributions": _NETWORK,
    "pixelrnn_tf.compression": (*_NETWORK, "pixelrnn_tf.backend"),
    "pixelrnn_tf.data": (),
    "pixelrnn_tf.programs": _LIBRARY,
    "trainers": (*_LIBRARY, "pixelrnn_tf.programs", "pixelrnn_tf.backend"),
    "export": (*_LIBRARY, "pixelrnn_tf.programs"),
}

SLOW = {"jax", "keras", "matplotlib", "sklearn", "tensorflow", "tensorflow_datasets", "tensorflow_probability"}
# These run on every backend of Keras. One module of theirs asks which it is: the loops.
BACKEND_FREE = _NETWORK
BACKENDS = {"jax", "tensorflow", "tensorflow_probability", "tf_keras", "torch"}
ASK_FOR_THE_BACKEND = ("pixelrnn_tf.layers.scan",)

STARTS_AT_ONCE = (
    "pixelrnn_tf",
    "pixelrnn_tf.zoo",
    *(
        f"pixelrnn_tf.programs.{name}"
        for name in ("durations", "environment", "files", "occlusion", "picture_grids", "png_files", "program")
    ),
)


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
            allowed = (*_LIBRARY, *COMMON)  # It names what is in the library, and imports it when it is used.
        else:
            allowed = () if source in COMMON else (source, *ARROWS[source], *COMMON)
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


@pytest.mark.parametrize("module", STARTS_AT_ONCE)
def test_what_starts_at_once_loads_nothing_slow(imports, module):
    assert module in read_modules(ROOT, PACKAGES)
    assert {name.split(".")[0] for name in loaded_with(module, imports)} & SLOW == set()


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


def test_a_planted_circle_and_a_planted_wrong_way_are_found(tmp_path):
    for name, source in PLANTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
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
