"""The notebooks that are stored are those of their sources, ran from top to bottom, and say the same when run again."""

import importlib.util
import pathlib
import re

import jupytext
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import tensorflow as tf

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
every = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def stored(source):
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """What every code cell printed, but for durations and rates, which no two runs share."""
    texts = ["".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream") for cell in code(notebook)]
    return [re.sub(r"\d[\d.,:]* ?(s|ms|seconds|images/s|min)\b|\d+:\d\d(:\d\d)? left", "TIME", text) for text in texts]


def test_there_is_one_for_every_subject():
    assert [source.stem[:2] for source in SOURCES] == [f"{number:02}" for number in range(1, len(SOURCES) + 1)]
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == [source.stem for source in SOURCES]


@every
def test_the_text_is_that_of_the_source(source):
    cells = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    assert cells == [(cell.cell_type, cell.source) for cell in stored(source).cells]


@every
def test_every_cell_ran_in_order_and_without_an_error(source):
    cells = code(stored(source))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "there are pictures"


@every
def test_nothing_is_stored_that_changes_from_run_to_run(source):
    notebook = stored(source)
    assert set(notebook.metadata) == {"kernelspec"}
    assert all(not cell.metadata for cell in notebook.cells)
    assert not re.search(r"/(tmp|home|root|work)/| at 0x", source.with_suffix(".ipynb").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", [source for source in SOURCES if "ising" not in source.stem], ids=lambda path: path.stem
)
def test_it_prints_the_same_when_it_is_run_again(source):
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    assert printed(execute.execute(source)) == printed(stored(source))


def run_ising(until=None, **small):
    """Names of the notebook on the Ising model after it ran with other sizes, up to a heading."""
    text = (FOLDER / "08_ising.py").read_text()
    for line, other in (("SIZE, STEPS = 8, 2000", "size"), ("LARGER, LARGER_STEPS = 16, 600", "larger")):
        assert line in text
        text = text.replace(line, f"{line.partition('=')[0]} = {small[other]}")
    text = text.replace("jit_compile=True", "jit_compile=False")  # Compiling takes longer than so few steps.
    text = text.replace("number=10_000", "number=2000")
    names = {}
    with plt.ioff():
        exec(compile(text.partition(until)[0] if until else text, "08_ising.py", "exec"), names)
    plt.close("all")
    return names


def test_the_ising_model_of_4x4_sites_agrees_with_enumeration(capsys):
    """A small version of the notebook: the formula, the bound, the weighted means, and the sum of all probabilities."""
    names = run_ising("# ## A larger lattice", size="4, 100", larger="4, 0")
    lattices, network, beta = names["all_lattices"], names["network"], names["BETA"]
    energies = names["energy"](lattices).numpy().astype("float64")
    boltzmann = np.exp(-beta * energies)
    free_energy = -np.log(boltzmann.sum()) / 16
    assert names["exact"](4, beta)[0] == pytest.approx(free_energy, abs=1e-12)
    assert names["exact"](4, beta)[1] == pytest.approx(np.average(energies, weights=boltzmann) / 16, abs=1e-6)
    variance = np.average(energies**2, weights=boltzmann) - np.average(energies, weights=boltzmann) ** 2
    assert names["exact"](4, beta)[2] == pytest.approx(beta**2 * variance / 16, abs=1e-4)

    nats = names["symmetric"](network, lattices, names["log_prob"](network, lattices)).numpy().astype("float64")
    q = np.exp(nats)
    assert q.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(nats, nats[::-1], atol=1e-4), "lattice k is lattice 65535 - k with all spins flipped"
    true_bound = np.sum(q * (nats + beta * energies)) / 16
    bound, error, _ = names["results"][4]
    assert free_energy < true_bound < 0.998 * free_energy, "0.2 % above"
    assert abs(bound - true_bound) < 5 * error
    weights = float(re.search(r"weighted samples +(-[\d.]+)", capsys.readouterr().out).group(1))
    assert weights == pytest.approx(free_energy, rel=1e-3)
    magnetization = np.abs(2 * lattices.mean((1, 2, 3)) - 1)
    chain, chain_error = names["heat_bath"](4)
    assert abs(chain[1] - np.average(magnetization, weights=boltzmann)) < 5 * chain_error[1]


@pytest.mark.slow
def test_the_ising_model_grows(capsys):
    names = run_ising(size="4, 250", larger="6, 100")
    bound, error, free_energy = names["results"][6]
    assert free_energy - 5 * error < bound < 0.99 * free_energy
    assert float(re.search(r"before training at this size: ([\d.]+)%", capsys.readouterr().out).group(1)) > 1


def test_a_prior_that_reads_codes_saves_bits_and_one_that_reads_levels_does_not():
    text = "".join(printed(stored(FOLDER / "09_codes.py")))
    bits = {name: float(re.search(rf"{name} +([\d.]+)", text)[1]) for name in ("uniform", "independent")}
    bits |= {name: float(re.search(rf"PixelCNN, {name} +([\d.]+)", text)[1]) for name in ("codes", "levels")}
    assert bits["uniform"] == 4 * 4 * 6, "64 codes of 6 bits"
    assert bits["codes"] < bits["independent"] - 10
    assert abs(bits["levels"] - bits["independent"]) < 3


def test_codes_are_of_the_nearest_vectors_and_gradients_pass_them():
    """The notebook on codes with two epochs, up to its prior."""
    text = (FOLDER / "09_codes.py").read_text().partition("# ## The prior")[0]
    assert '"digits", 17, 1, 64, 20, 12' in text
    names = {"__name__": "codes"}
    with plt.ioff():
        exec(compile(text.replace("17, 1, 64, 20, 12", "17, 1, 64, 2, 1"), "09_codes.py", "exec"), names)
    plt.close("all")
    encoder, quantizer, images = names["encoder"], names["quantizer"], names["test"]
    outputs, codebook = np.array(encoder(images)), np.array(quantizer.codebook)
    distance = ((outputs[..., None, :] - codebook) ** 2).sum(-1)
    chosen = np.take_along_axis(distance, names["encode"](images), axis=-1)
    np.testing.assert_allclose(chosen[..., 0], distance.min(-1), atol=1e-5)
    x, weights = tf.constant(outputs), np.random.default_rng(0).normal(size=outputs.shape).astype("float32")
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(quantizer(x) * weights)
    assert np.array_equal(tape.gradient(value, x), weights)
    assert names["bits_of_pixels"] < 0.7 * 64 * np.log2(17), "less than 0.7 of the bits of uniform pixels"
