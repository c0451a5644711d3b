"""The lower bounds of pyproject.toml and the pinned sets of the requirements files belong together."""

import pathlib
import tomllib

from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Its next versions write other files than the format of compressed images is.
BOUNDED_ABOVE = {"constriction": "<0.6,"}


def bounds(requirements):
    return {requirement.name: requirement.specifier for requirement in map(Requirement, requirements)}


def pins(name):
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    specifiers = bounds(line for line in lines if line and not line.startswith("-r"))
    return {package: str(specifier).removeprefix("==") for package, specifier in specifiers.items()}


def test_what_users_install_is_bounded_below_and_pinned_for_the_figures():
    extras = PROJECT["optional-dependencies"]
    lower = bounds([*PROJECT["dependencies"], *extras["training"], *extras["serving"], *extras["demo"]])
    del lower["pixelrnn_tf"]  # The demo needs all of serving.
    pinned = pins("requirements.txt")
    assert set(lower) == set(pinned)
    for package, specifier in lower.items():
        text = str(specifier).removeprefix(BOUNDED_ABOVE.get(package, ""))
        assert text.startswith(">="), f"{package} is pinned for everybody who installs the library"
        assert specifier.contains(pinned[package])


def test_what_developers_install_is_the_same_set():
    lower = bounds(PROJECT["optional-dependencies"]["dev"])
    assert Requirement(PROJECT["optional-dependencies"]["dev"][0]).extras == {"training", "serving", "demo"}
    del lower["pixelrnn_tf"]
    pinned = pins("requirements-dev.txt")
    assert set(lower) == set(pinned)
    assert all(specifier.contains(pinned[package]) for package, specifier in lower.items())
