"""Documents: links, commands and flags exist, Python blocks run, and the language follows our rules."""

import importlib
import importlib.util
import os
import pathlib
import re
import runpy
import shlex
import subprocess
import sys

import pytest
import yaml
from absl import flags as absl_flags

import pixelrnn_tf
from pixelrnn_cli import flags
from pixelrnn_cli.command import PROGRAMS
from pixelrnn_tf.models import PRESETS
from pixelrnn_tf.zoo import shipped_presets
from tests.support.words import avoided

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
DOCUMENTS = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"))]
every = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
# Folders that a run or a user writes.
WRITTEN = (
    "runs/",
    "serving/",
    "served/",
    "presets/",
    "surprise/",
    "ood/",
    "checkpoints/",
    "tensorboard/",
    "train/",
    "val/",
    "test/",
)
# A fence that names what it needs is not run.
FENCE = re.compile(r"(<!-- needs: [^\n]+ -->\n)?```(\w*)\n(.*?)```", re.DOTALL)


def anchors(document):
    """Anchors of the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fences(document, language):
    """The fenced blocks of a language that can run without special equipment."""
    return [text for needs, kind, text in FENCE.findall(document.read_text()) if kind == language and not needs]


def commands_in(text):
    """Every command of our own in a text, split into words."""
    for line in re.findall(r"(?:pixelrnn|python -m) [^\n`#|]+", text.replace("\\\n", " ")):
        try:
            yield shlex.split(line)
        except ValueError:  # An apostrophe of prose.
            continue


def as_module(words):
    """Module and arguments of a command: `pixelrnn train` is `trainers.train`."""
    if words[0] == "python":
        return words[2], words[3:]
    return PROGRAMS.get(words[1]), words[2:]


def options_of(module, arguments):
    """The class of options of a program, and the arguments that are its flags; None for modules that are no program."""
    if module == "export.client":
        return importlib.import_module(module).COMMANDS[arguments[0]], arguments[1:]
    if module not in PROGRAMS.values():
        return None, arguments
    return importlib.import_module(module).Options, arguments


@every
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert path.is_relative_to(ROOT if document.parent == ROOT else ROOT / "docs"), "the site holds docs/ only"
        assert not anchor or anchor in anchors(path), f"{document.name} links to {target}"


@every
def test_programs_and_flags_exist(document):
    for words in commands_in(document.read_text()):
        if words[0] == "pixelrnn" and (words[1] not in PROGRAMS or "PROGRAM" in words):
            assert not any(word.startswith("--") for word in words[1:]), f"{document.name}: {words}"
            continue
        module, arguments = as_module(words)
        if not importlib.util.find_spec(module):
            assert document.name == "CHANGELOG.md", f"{document.name} names python -m {module}"  # May name the past.
            continue
        given = [argument for argument in arguments if "..." not in argument and argument not in ("--help", "and")]
        options, given = options_of(module, given) if given else (None, given)
        if options is None:
            continue
        values = absl_flags.FlagValues()
        flags.define(options, values)
        rest = values([module, *given])  # Raises for a flag that does not exist, or a value of another type.
        assert rest == [module], f"{document.name}: {words}"


@every
def test_files_exist(document):
    for name in re.findall(r"`([\w./-]+/[\w./-]*)`", document.read_text()):
        if not name.startswith(WRITTEN) and not name.startswith("/"):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


@every
def test_fences_are_closed_and_lines_end_clean(document):
    text = document.read_text()
    assert text.count("```") % 2 == 0
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)


@every
def test_python_blocks_compile_and_import_what_exists(document):
    for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL):
        compile(block, document.name, "exec")
        for module in re.findall(r"^(?:from|import) (\S+)", block, re.MULTILINE):
            assert importlib.util.find_spec(module), f"{document.name} imports {module}"


@every
def test_words(document):
    text = re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", " ", document.read_text(), flags=re.DOTALL)
    assert avoided(text) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_words_of_the_help(name):
    module = importlib.import_module(PROGRAMS[name])
    text = [module.__doc__]
    for options in getattr(module, "COMMANDS", {"": getattr(module, "Options", None)}).values():
        text.append(flags.help_text(options))
    assert avoided("\n".join(text)) == []


def test_words_of_the_cards():
    for card in sorted(ROOT.glob("pixelrnn_tf/zoo/*/README.md")):
        assert avoided(card.read_text()) == [], card.parent.name


def sentences(document):
    """The sentences of the prose of a document: no code, tables or headings; items of a list are sentences."""
    text = re.sub(r"```.*?```|<!--.*?-->", "\n\n", document.read_text(), flags=re.DOTALL)
    text = re.sub(r"^(\||#|---).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*(?:[-*]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    found = re.split(r"\n\s*\n|(?<=[.!?])[\s*]+(?=[\w`*(\"])", text)
    return [words for sentence in found if len(words := re.findall(r"\S+", sentence)) > 2]


@every
def test_sentences_are_short(document):
    lengths = sorted(len(sentence) for sentence in sentences(document))
    assert sum(lengths) / len(lengths) < 25
    assert lengths[int(0.9 * len(lengths))] < 32


def test_the_documents_are_short():
    prose = {page.name: sum(map(len, sentences(page))) for page in PAGES}
    assert sum(prose.values()) < 5500, prose


def test_readme_and_guides_talk_to_the_reader():
    for page in PAGES:
        words = re.findall(r"\w+", " ".join(" ".join(sentence) for sentence in sentences(page)))
        talking = sum(word.lower() in ("you", "your") for word in words)
        if page.name not in ("exactness.md", "speed.md"):
            assert talking >= 12 * len(words) / 1000, f"{page.name}: {talking} of {len(words)} words"


# Flags that make the programs of the documents quick.
QUICK = {
    "trainers.train": ["--steps=2", "--eval_every=2", "--eval_images=10", "--num_samples=0", "--jit_compile=false"],
    "trainers.ood": ["--num_images=20", "--bootstraps=2"],
}
RUN_ALL = "import runpy, sys\nfor path in sys.argv[1:]:\n    print(path)\n    runpy.run_path(path)"


@pytest.mark.slow
@every_page
def test_a_page_runs_in_an_empty_folder(page, tmp_path):
    """Python blocks first, each with names of its own, then the commands."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    blocks = []
    for k, block in enumerate(fences(page, "python")):
        blocks.append(f"block_{k}.py")
        (tmp_path / blocks[-1]).write_text(block)
    if blocks:
        run("-c", RUN_ALL, *blocks)
    for words in commands_in("\n".join(fences(page, "bash"))):
        module, arguments = as_module(words)
        if "TFDS_DATA_DIR" in os.environ or not any("tfds:" in word for word in arguments):
            run("-m", module, *arguments, *QUICK.get(module, []))


@pytest.mark.slow
def test_the_site_loads_no_font_script_or_picture_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", f"--site-dir={tmp_path / 'site'}"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        for tag in re.findall(r"<(?:link|script|img|iframe)\b[^>]*>", page.read_text()):
            assert not re.search(r"(?:href|src)=[\"']?(?:https?:)?//", tag), f"{page.name}: {tag}"
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text()), style.name


def test_the_readme_is_short_and_its_presets_are_those_there_are():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 140
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
    "num_blocks=2, hidden=16, head_hidden=32": "num_blocks=1, hidden=4, head_hidden=4",
    'compile("adam",': 'compile("adam", jit_compile=False,',
    "fit(images, batch_size=32, epochs=2": "fit(images[:64], batch_size=32, epochs=1, verbose=0",
}


PRETRAINED = "mnist_diagonal_bilstm_7x16"


def blocks_of_the_readme():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run(block, folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "example.py").write_text(block)
    return runpy.run_path("example.py")


# The first is the smallest of its kind, the second that of the README.
@pytest.mark.parametrize("preset", ["mnist_diagonal_bilstm_1x32", pytest.param(PRETRAINED, marks=pytest.mark.slow)])
def test_the_readme_draws_and_scores_with_a_pretrained_network(preset, tmp_path, monkeypatch):
    block = blocks_of_the_readme()[0]
    assert f'"{PRETRAINED}"' in block
    names = run(block.replace(PRETRAINED, preset), tmp_path, monkeypatch)
    assert names["digits"].shape == (16, 28, 28, 1)
    assert set(names["digits"].numpy().ravel()) == {0, 1}
    # The mean of the model's own images is its entropy, near its score on test images, 79 or 80, the spread about 20.
    assert 60 < names["nats"].numpy().mean() < 100
    assert (names["completed"][:, :14] == names["digits"][:, :14]).numpy().all()
    assert (names["completed"][:, 14:] != names["digits"][:, 14:]).numpy().any()


def test_the_readme_trains(tmp_path, monkeypatch):
    _, block = blocks_of_the_readme()
    for old, new in SHORTER.items():
        assert old in block
        block = block.replace(old, new)
    names = run(block, tmp_path, monkeypatch)
    assert names["images"].shape == (1797, 8, 8, 1)
    assert (names["images"].min(), names["images"].max()) == (0, 16)
    assert names["model"].levels == 17
    assert (tmp_path / "digits.keras").exists()


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == pixelrnn_tf.__version__
    assert citation["license"] == "Apache-2.0"
    assert [author["name"] for author in citation["authors"]] == ["pixelrnn_tf contributors"]
    assert citation["references"][0]["url"].endswith("1601.06759")


def test_samples_of_the_results_are_those_of_the_cards():
    pictures = list((ROOT / "docs" / "samples").iterdir())
    assert len(pictures) == 3
    for picture in pictures:
        card = ROOT / "pixelrnn_tf" / "zoo" / picture.stem / "samples.png"
        assert picture.read_bytes() == card.read_bytes(), f"copy {card} to {picture}"
