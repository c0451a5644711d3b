"""Finished runs become presets, with cards made from their metadata; others are refused."""

import dataclasses
import json
import re
import shutil

import pytest
import yaml

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.flags import help_text
from pixelrnn_cli.train_config import TrainConfig
from pixelrnn_tf import zoo
from pixelrnn_tf.models import PixelRNN, preset_files
from pixelrnn_tf.programs import publishing, regenerate_cards
from pixelrnn_tf.training import commands, model_cards
from pixelrnn_tf.training.run import train
from pixelrnn_tf.training.workdir import with_defaults
from tests.support.picture_folders import write_numbered
from tests.support.training_runs import QUICK, tiny_config
from trainers import publish


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "run"
    train(tiny_config(model=QUICK, steps=10), workdir)
    return workdir


def options(workdir, **changes):
    given = {"name": "tiny", "description": "A network for a test.", "out": workdir.parent / "presets", "seed": 3}
    return publish.Options(workdir=workdir, **{**given, **changes})


@pytest.fixture(scope="module")
def published(run):
    return publishing.publish(**dataclasses.asdict(options(run, commit="0123abc")))


def test_a_preset_of_a_run_loads_with_the_best_weights(run, published):
    import keras

    best = keras.models.load_model(run / "model.keras")
    loaded = PixelRNN.from_preset(published)
    assert preset_files.weights_digest(loaded) == preset_files.weights_digest(best)
    for picture in ("samples.png", "completions.png", "curve.png", "examples.png"):
        assert (published / picture).read_bytes()[:4] == b"\x89PNG"


def test_metadata_says_what_the_run_says(run, published):
    metadata, scores = preset_files.read_metadata(published), json.loads((run / "model.json").read_text())["scores"]
    assert metadata["scores"] == scores
    assert metadata["scores"]["test"]["images"] == metadata["data"]["splits"]["test"]["images"] == 180
    assert metadata["training"]["commit"] == "0123abc"
    assert metadata["check"]["images"] == 180  # All of this split.
    assert metadata["check"]["nats_per_image"] == pytest.approx(scores["test"]["nats_per_image"], abs=1e-4)
    assert metadata["data"]["licence"].endswith("CC BY 4.0.")
    assert metadata["paper"] is None
    first, last = metadata["training"]["curve"]
    assert (first["step"], last["step"]) == (0, 10)
    assert last["nats_per_image"] < first["nats_per_image"]
    assert 0 < last["processor_seconds"] == pytest.approx(metadata["training"]["processor_seconds"], abs=0.06)


def test_an_earlier_preset_is_replaced_and_the_output_says_so(run, tmp_path, capsys):
    for said in ("", ": replaced the earlier preset"):
        publish.main(options(run, out=tmp_path))
        printed = capsys.readouterr().out
        assert printed.endswith(f"{tmp_path / 'tiny'}{said}\n")
        assert "samples.png" not in printed, "a path in a temporary folder"
    (tmp_path / "tiny" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds files that do not belong to a preset: notes\.txt"):
        publish.main(options(run, out=tmp_path))
    assert (tmp_path / "tiny" / "notes.txt").read_text() == "mine"
    assert "drew" not in capsys.readouterr().out, "refused before anything is drawn"
    assert "A preset of the same name in --out is replaced" in publish.__doc__


def test_the_command_is_that_of_the_run(published):
    command = preset_files.read_metadata(published)["training"]["command"]
    assert command.split()[:3] == ["python", "-m", "trainers.train"]
    words = [word for word in command.split()[3:] if word != "\\"]
    assert words == [
        *("--block=pixel_cnn", "--num_blocks=1", "--hidden=4", "--head_hidden=4"),
        *("--batch_size=32", "--steps=10", "--eval_every=10", "--eval_images=50", "--num_samples=0"),
        "--jit_compile=false",
        "--workdir=runs/tiny",
    ]


@pytest.mark.parametrize(
    ("gpus", "expected"), [([], r"a CPU \(.*, \d+ cores\)"), (["GPU:0", "GPU:1"], r"a GPU \(name of GPU:0\)")]
)
def test_the_speed_names_the_device_that_it_was_measured_on(monkeypatch, gpus, expected):
    config = publishing.tf.config
    monkeypatch.setattr(config, "get_visible_devices", lambda kind: gpus if kind == "GPU" else [])
    monkeypatch.setattr(config.experimental, "get_device_details", lambda gpu: {"device_name": f"name of {gpu}"})
    assert re.fullmatch(expected, publishing._processor())


@pytest.mark.parametrize(
    ("start", "said"), [("/home/someone/runs/first/model.keras", "runs/first/model.keras"), ("digits_row_lstm",) * 2]
)
def test_a_command_names_no_folder_of_one_machine(run, start, said):
    config = {**with_defaults(json.loads((run / "config.json").read_text())), "init_from": start}
    assert f"--init_from={said} " in commands.command_of(config, "tiny")


def test_the_card_is_made_from_the_metadata(published):
    metadata = preset_files.read_metadata(published)
    card = (published / "README.md").read_text()
    assert card == model_cards.card(metadata)
    score = metadata["scores"]["test"]
    assert f"| test | {score['nats_per_image']:.2f} ± {score['standard_error']:.2f} |" in card
    for section in ("Use", "Data", "Scores", "Training", "Speed", "License", "Citation"):
        assert f"\n## {section}\n" in card
    first, last = (f"{point['nats_per_image']:.2f}" for point in metadata["training"]["curve"])
    assert f"The first evaluations gave {first} at step 0 and {last} at step 10, in nats per image." in card


@pytest.mark.slow
def test_a_class_conditional_run_tells_what_a_label_is_worth(tmp_path):
    train(tiny_config(model=QUICK, steps=3, data=DataConfig("digits", class_conditional=True)), tmp_path / "run")
    published = publishing.publish(**dataclasses.asdict(options(tmp_path / "run")))
    metadata = preset_files.read_metadata(published)
    assert metadata["network"]["title"] == "PixelCNN 1 x 4, class-conditional"
    assert metadata["network"]["classes"] == [str(digit) for digit in range(10)]
    assert PixelRNN.from_preset(published).num_classes == 10
    worth = metadata["classification"]["test"]
    assert f"a label is worth {worth['gain']:.3f} nats" in (published / "README.md").read_text()


def test_a_run_that_is_not_finished_is_refused(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "report.md").unlink()
    with pytest.raises(ValueError, match=r"holds no finished run: there is no report\.md"):
        publishing.publish(**dataclasses.asdict(options(copy)))


@pytest.mark.parametrize("images", [50, 0])
def test_scores_of_a_part_of_a_split_are_refused(images, tmp_path):
    scores = {"validation": {"images": 180}, **({"test": {"images": images}} if images else {})}
    with pytest.raises(ValueError, match=f"scores of {images} of the 180 images of test; only scores of full"):
        publishing.check_whole_splits(scores, {"train": 1437, "validation": 180, "test": 180}, tmp_path)


def test_what_is_not_known_is_asked_for(run):
    with pytest.raises(ValueError, match="Pass --description"):
        publishing.publish(**dataclasses.asdict(options(run, description="")))
    assert "required unless --name is that of a preset of the package" in help_text(publish.Options)


def test_shipped_cards_are_those_of_their_metadata():
    names = zoo.shipped_presets()
    assert "mnist_diagonal_bilstm_7x16" in names
    for name in names:
        metadata = preset_files.read_metadata(zoo.DIRECTORY / name)
        assert (zoo.DIRECTORY / name / "README.md").read_text() == model_cards.card(metadata), name
        assert metadata["name"] == name


def test_cards_of_background_networks_explain_their_noisy_samples():
    explained = {
        name: (zoo.DIRECTORY / name / "README.md").read_text().partition("(samples.png)\n\n")[2].splitlines()[0]
        for name in zoo.shipped_presets()
    }
    assert "a tenth of the pixels were replaced by random levels" in explained.pop("fashion_mnist_background")
    assert "pixels at most four rows and four columns away" in explained.pop("fashion_mnist_local")
    assert set(explained.values()) == {"## Use"}


def test_the_table_of_the_readme_is_that_of_the_metadata():
    metadata = [preset_files.read_metadata(zoo.DIRECTORY / name) for name in zoo.shipped_presets()]
    readme = (zoo.DIRECTORY.parents[1] / "README.md").read_text()
    made = readme.partition("<!-- generated from the metadata")[2].partition("-->\n")[2].partition("\n<!-- end -->")[0]
    assert made == model_cards.table(metadata)
    assert regenerate_cards.readme_with_table(readme, made) == readme
    stale = readme.replace(made, "| stale |")
    assert stale != readme
    assert regenerate_cards.readme_with_table(stale, made) == readme


def test_cards_have_the_head_that_the_hub_reads():
    """Literal values of one card; every head is YAML and holds each score."""
    for name in zoo.shipped_presets():
        _, head, _ = (zoo.DIRECTORY / name / "README.md").read_text().split("---\n", 2)
        metadata, read = preset_files.read_metadata(zoo.DIRECTORY / name), yaml.safe_load(head)
        assert read["library_name"] == "keras"
        assert read["pipeline_tag"] == "unconditional-image-generation"
        (model,) = read["model-index"]
        assert model["name"] == name
        assert {result["dataset"]["split"] for result in model["results"]} == set(metadata["scores"])
        if name == "mnist_diagonal_bilstm_7x16":
            assert read["license"] == "apache-2.0"
            assert read["datasets"] == ["ylecun/mnist"]
            test = next(result for result in model["results"] if result["dataset"]["split"] == "test")
            assert [metric["value"] for metric in test["metrics"]] == [79.17, 0.1457]


def test_the_defaults_of_the_configuration_are_no_flags():
    from pixelrnn_cli.flags import as_flags
    from pixelrnn_tf.training.workdir import as_json

    assert as_flags(TrainConfig, as_json(TrainConfig())) == []


@pytest.mark.slow
def test_a_run_on_a_folder_without_a_test_split_shows_its_validation_split(tmp_path):
    write_numbered(tmp_path / "pictures" / "train", range(40))
    write_numbered(tmp_path / "pictures" / "val", [50])
    config = tiny_config(model=QUICK, steps=2, data=DataConfig(f"folder:{tmp_path / 'pictures'}", image_size=(3, 4)))
    train(config, tmp_path / "run")
    published = publishing.publish(**dataclasses.asdict(options(tmp_path / "run", data_license="Anybody's.")))
    metadata = preset_files.read_metadata(published)
    assert set(metadata["scores"]) == {"validation"}
    assert metadata["check"]["split"] == "validation"
    assert metadata["scores"]["validation"]["standard_error"] is None, "of a single image"
    assert "| validation |" in (published / "README.md").read_text()
    assert model_cards.table([metadata]).endswith(
        f"| {metadata['scores']['validation']['bits_per_dim']:.3f} bits/dim |  |  |  |"
    )
