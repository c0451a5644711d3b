"""The documents name what there is: files, headings, programs, flags and presets; and the README's Python runs."""

import importlib.util
import pathlib
import re
import runpy

import pytest
import yaml

import pixelrnn_tf
from pixelrnn_tf.models import PRESETS
from pixelrnn_tf.zoo import shipped_presets

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
every = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
# What a run or a user writes, and so is not in the tree.
WRITTEN = ("runs/", "serving/", "checkpoints/", "tensorboard/", "train/", "val/", "test/")


def anchors(document):
    """The names under which GitHub links to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(document):
    """Module and flags of every `python -m` in a document, where a line that ends in a backslash goes on."""
    text = document.read_text().replace("\\\n", " ")
    for line in re.findall(r"python -m ([^\n`#|]+)", text):
        module, *rest = line.split()
        yield module, re.findall(r"--(\w+)", " ".join(rest))


@every
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert path.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(path), f"{document.name} links to {target}"


@every
def test_programs_and_flags_are_there(document):
    for module, names in commands(document):
        path = ROOT / module.replace(".", "/")
        if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists():
            assert module in ("pytest", "pip"), f"{document.name} names python -m {module}"
            continue
        package = ROOT / module.split(".")[0]
        sources = [*package.rglob("*.py"), *(ROOT / "pixelrnn_cli").glob("*.py")]
        text = "\n".join(source.read_text() for source in sources)
        for name in names:
            # A field of a dataclass of options, or a string that names a flag.
            defined = re.search(rf"^    {name}: .*=|[\"']-*{name}[\"']", text, re.MULTILINE)
            assert defined, f"{document.name} gives {module} the flag --{name}"


@every
def test_files_are_there(document):
    for name in re.findall(r"`([\w./-]+/[\w./-]*)`", document.read_text()):
        if not name.startswith(WRITTEN) and not name.startswith("/"):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


@every
def test_fences_are_closed_and_lines_end_clean(document):
    text = document.read_text()
    assert text.count("```") % 2 == 0
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)


def test_the_readme_is_short_and_its_presets_are_those_there_are():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 160
    rows = re.findall(r"^\| `(\w+)` \| (\d+) x (\d+) \| ([\d,]+) \| ([\d.]*)", text, re.MULTILINE)
    told = {
        name: (int(blocks), int(hidden), int(parameters.replace(",", "")), float(score) if score else None)
        for name, blocks, hidden, parameters, score in rows
    }
    there = {
        name: (
            preset.arguments["num_blocks"],
            preset.arguments["hidden"],
            preset.parameters,
            preset.paper_score.value if preset.paper_score else None,
        )
        for name, preset in PRESETS.items()
        if name not in shipped_presets()
    }
    assert told == there
    assert re.findall(r"\(pixelrnn_tf/zoo/(\w+)/README\.md\)", text) == shipped_presets()


# A smaller network for fewer steps, without XLA, which takes seconds to compile it.
SHORTER = {
    "num_blocks=2, hidden=32, head_hidden=64": "num_blocks=1, hidden=4, head_hidden=4",
    'compile("adam",': 'compile("adam", jit_compile=False,',
    "steps_per_epoch=44, epochs=2": "steps_per_epoch=2, epochs=1, verbose=0",
}


def blocks_of_the_readme():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run(block, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "example.py").write_text(block)
    return runpy.run_path("example.py")


def test_the_readme_draws_and_scores_with_a_pretrained_network(tmp_path, monkeypatch):
    names = run(blocks_of_the_readme()[0], tmp_path, monkeypatch)
    assert names["digits"].shape == (16, 28, 28, 1)
    assert set(names["digits"].numpy().ravel()) == {0, 1}
    # The mean of the model's own images is its entropy, near its score on test images, 79.17, the spread about 20.
    assert 60 < names["nats"].numpy().mean() < 100


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    _, block = blocks_of_the_readme()
    for old, new in SHORTER.items():
        assert old in block
        block = block.replace(old, new)
    names = run(block, tmp_path, monkeypatch)
    assert names["images"].shape == (16, 8, 8, 1)
    assert names["images"].dtype == "int32"
    assert names["nats"].shape == (16,)
    assert (names["nats"] < 0).numpy().all()


def test_the_python_of_the_other_documents_can_be_compiled_and_imports_what_there_is():
    for document in DOCUMENTS[1:]:
        for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL):
            compile(block, document.name, "exec")
            for module in re.findall(r"^(?:from|import) (\S+)", block, re.MULTILINE):
                assert importlib.util.find_spec(module), f"{document.name} imports {module}"


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == pixelrnn_tf.__version__
    assert citation["license"] == "Apache-2.0"
    assert [author["name"] for author in citation["authors"]] == ["pixelrnn_tf contributors"]
    assert citation["references"][0]["url"].endswith("1601.06759")
