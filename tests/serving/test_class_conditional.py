"""A class-conditional model, exported, checked, and served by the stand-in."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_cli import client_options
from pixelrnn_tf.data import to_bytes
from pixelrnn_tf.distributions import PixelDistribution
from pixelrnn_tf.layers import ConditionFormat, LabelEmbedding
from pixelrnn_tf.models import class_log_probs, classify, marginal_log_prob
from pixelrnn_tf.programs import client_commands
from pixelrnn_tf.serving import signatures
from pixelrnn_tf.serving.check.comparison import LIMITS, compare
from pixelrnn_tf.serving.check.loader import Loader, LoaderError
from pixelrnn_tf.serving.check.reference import Format, model_reference
from pixelrnn_tf.serving.client.errors import RequestRejectedError
from pixelrnn_tf.serving.example_inputs import encoded
from pixelrnn_tf.serving.saved_model_writer import CARD_FILE, export_model, in_float32
from pixelrnn_tf.serving.signatures import Signatures
from tests.support import serving_servers
from tests.support.networks import make_network, random_images

CLASSES = 3
NAMES = ("cat", "dog", "été")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return make_network(
        "pixel_cnn",
        (3, 4, 1),
        num_blocks=1,
        conditioner=LabelEmbedding(CLASSES, 4, class_names=NAMES),
        dtype="mixed_bfloat16",
    )


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    return export_model(model, tmp_path_factory.mktemp("labelled") / serving_servers.NAME)


@pytest.fixture(scope="module")
def loader(exported):
    with Loader(exported) as loader:
        yield loader


def test_a_request_of_many_classes_makes_no_larger_batch(monkeypatch):
    many = make_network("pixel_cnn", (2, 2, 1), num_blocks=1, conditioner=LabelEmbedding(7, 3))
    images = random_images(many, 3)
    expected, batches = np.array(class_log_probs(many, images)), []

    def counting(model, images, labels):
        tf.numpy_function(lambda n: batches.append(int(n)), [tf.shape(images)[0] * tf.size(labels)], [])
        return class_log_probs(model, images, labels)

    monkeypatch.setattr(signatures, "class_log_probs", counting)
    classify_images = tf.function(Signatures(many, max_batch_size=6).function("classify"))
    for number, of_passes in ((3, [6, 6, 6, 3]), (1, [6, 1])):
        found = classify_images(tf.constant(images[:number]))
        assert batches == of_passes
        probabilities = np.exp(expected[:number]) / np.exp(expected[:number]).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found["probabilities"], probabilities, rtol=1e-5)
        np.testing.assert_allclose(found["log_prob"], marginal_log_prob(many, images[:number]), rtol=1e-5)
        batches.clear()


@pytest.mark.parametrize("label", [CLASSES, -1])
def test_a_label_out_of_range_is_refused_before_anything_is_computed(model, label):
    score = Signatures(in_float32(model)).function("score")
    images = tf.constant(random_images(model, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="condition must hold integers from 0 to 2"):
        score(images, tf.constant([0, label]))


def test_every_signature_takes_labels_and_answers_as_the_model_does(model, exported, loader):
    fmt = Format.of(exported)
    assert fmt == Format((3, 4, 1), 4, ConditionFormat((), "int32", CLASSES))
    assert json.loads((exported / CARD_FILE).read_text())["condition"]["below"] == CLASSES
    measures = compare(loader, fmt, model_reference(model, fmt), (3,))
    found = {item.signature for item in measures}
    assert {"classify", "classify_png", "sample", "complete_png", "score", "describe"} <= found
    for item in measures:
        assert item.value <= LIMITS[item.quantity], item
    assert set(loader.signatures["classify"].inputs) == {"images"}
    assert fmt.class_names == NAMES
    assert fmt.max_batch_size == 256
    images = random_images(model, 20)
    found = loader.run("classify", {"images": images})
    named = [NAMES[label].encode() for label in np.argmax(found["probabilities"], -1)]
    assert found["class_name"].tolist() == named
    assert len(set(named)) > 1
    labels = {"condition": np.array([2, 0, 1], "int32")}
    assert [name.decode() for name in loader.run("class_names", labels)["class_name"]] == ["été", "cat", "dog"]
    assert set(loader.signatures["sample"].inputs) == {"seed", "temperature", "condition"}


@pytest.mark.parametrize("label", [CLASSES, -1])
def test_a_label_out_of_range_is_refused(model, label):
    signatures = Signatures(in_float32(model))
    serve = tf.function(signatures.function("score"), autograph=False)
    inputs = {"images": np.zeros((2, 3, 4, 1), "uint8"), "condition": np.array([0, 1], "int32")}
    names = [item.name for item in signatures.inputs["score"]]
    assert np.isfinite(serve(*(tf.constant(inputs[name]) for name in names))["log_prob"]).all()
    inputs["condition"][1] = label
    with pytest.raises(tf.errors.InvalidArgumentError, match="condition must hold integers from 0 to 2"):
        serve(*(tf.constant(inputs[name]) for name in names))


@pytest.mark.parametrize("label", [CLASSES, -1])
def test_a_label_out_of_range_is_refused_by_a_server(loader, label):
    inputs = {"images": np.zeros((2, 3, 4, 1), "uint8"), "condition": np.array([0, label], "int32")}
    with pytest.raises(LoaderError, match="condition must hold integers from 0 to 2") as caught:
        loader.run("score", inputs)
    assert caught.value.code == tf.errors.INVALID_ARGUMENT


@pytest.mark.slow
def test_the_client_classifies_and_draws_by_label(model, exported, tmp_path, capsys):
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    images, labels = random_images(model, 3), np.array([2, 0, 1])
    with serving_servers.stand_in(exported.parent) as server:
        for protocol in ("rest", "grpc"):
            with server.client(protocol) as client:
                assert client.class_names == NAMES
                classes = client.classify(images)
                np.testing.assert_allclose(classes.probabilities, classify(twin, images), rtol=1e-4, atol=1e-5)
                np.testing.assert_allclose(classes.log_prob, marginal_log_prob(twin, images), rtol=1e-5)
                drawn = client.sample(3, seed=5, condition=labels)
                assert np.array_equal(drawn.images, PixelDistribution(twin, labels).sample(seed=5))
                np.testing.assert_allclose(client.score(drawn.images, labels).log_prob, drawn.log_prob, rtol=1e-5)
                with pytest.raises(RequestRejectedError, match="integers from 0 to 2"):
                    client.sample(1, condition=[3])
                with pytest.raises(ValueError, match="for 'sample'; got seed, temperature"):
                    client.sample(1)
        picture = tmp_path / "a.png"
        picture.write_bytes(encoded(to_bytes(images, 4))[0])
        common = {"model": serving_servers.NAME, "server": server.addresses["rest"]}
        client_commands.classify(client_options.ClassifyOptions(images=(str(picture),), **common))
        assert f"class {NAMES[classes.probabilities[0].argmax()]} with probability" in capsys.readouterr().out
        client_commands.sample(
            client_options.SampleOptions(out=tmp_path / "b.png", num_images=2, label="dog", **common)
        )
        assert (tmp_path / "b.png").exists()
        with pytest.raises(ValueError, match="--label must be one of cat, dog, été; got 1"):
            client_commands.sample(client_options.SampleOptions(out=tmp_path / "c.png", label="1", **common))
        with pytest.raises(ValueError, match="only one of --condition, --label and --vector"):
            client_options.SampleOptions(out=tmp_path / "c.png", label=1, condition=tmp_path / "x.npy", **common)
