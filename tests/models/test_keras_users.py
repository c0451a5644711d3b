"""What a user of Keras does with every model: summary, fit, evaluate, predict, files, export and the rest."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pixelrnn_tf.models import BitsPerDim, NegativeLogLikelihood, negative_log_likelihood
from tests.support.descriptors import MODELS, make, make_inputs

every = pytest.mark.parametrize("descriptor", MODELS, ids=str)


def compiled(descriptor, run_eagerly=True):
    """A model, its inputs for eight images, and the images among them; without graphs where none are needed."""
    model, _ = make(descriptor)
    model.compile(
        keras.optimizers.SGD(1e-3),
        loss=NegativeLogLikelihood(),
        metrics=[BitsPerDim()],
        weighted_metrics=[BitsPerDim(name="weighted")],
        run_eagerly=run_eagerly,
        jit_compile=False,  # It takes longer than all of this.
    )
    (inputs,) = make_inputs(descriptor, batch=8)
    return model, inputs, inputs[0] if isinstance(inputs, list) else inputs


def by_name(inputs):
    return dict(zip(("images", "condition"), inputs if isinstance(inputs, list) else [inputs], strict=False))


@every
def test_summary_counts_every_parameter(descriptor):
    model, _ = make(descriptor)
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True)
    text = "\n".join(lines)
    assert f"Total params: {model.count_params():,}" in text
    assert all(layer.name in text for layer in model.layers)


@every
def test_a_plot_shows_it_as_one_node_as_of_every_subclassed_model(descriptor):
    model, _ = make(descriptor)
    nodes = keras.utils.model_to_dot(model, show_shapes=True, expand_nested=True).get_nodes()
    labels = [node.get_label() for node in nodes if node.get_label()]
    assert [f"{model.name}</b> ({type(model).__name__})" in label for label in labels] == [True]


@every
def test_a_clone_has_the_same_layers_and_weights_of_its_own(descriptor):
    model, (inputs,) = make(descriptor)
    twin = keras.models.clone_model(model)
    assert twin.get_config() == {**model.get_config(), "name": twin.name}
    own = getattr(model, "parts", model.layers)  # One of several scales is made of networks.
    others = [getattr(model, name, None) for name in ("conditioner", "code_embedding")]
    names = {layer.name for layer in [*own, *filter(None, others)]}
    assert {layer.name for layer in twin.layers} == names
    assert all(twin.get_layer(name).name == name for name in names)
    assert not np.array_equal(twin(inputs), model(inputs))
    twin.set_weights(model.get_weights())
    assert np.array_equal(twin(inputs), model(inputs))


@every
def test_images_are_their_own_targets(descriptor):
    model, inputs, images = compiled(descriptor)
    nats = np.array(negative_log_likelihood(images, model(inputs)))
    loss, bits, _ = model.evaluate(inputs, batch_size=8, verbose=0)
    assert loss == pytest.approx(nats.mean(), rel=1e-5)
    assert bits == pytest.approx(nats.mean() / (images[0].size * np.log(2)), rel=1e-5)
    assert model.evaluate(inputs, images, batch_size=8, verbose=0)[0] == pytest.approx(loss, rel=1e-6)
    weight = np.arange(8.0)
    weighted, bits, weighted_bits = model.test_on_batch(inputs, sample_weight=weight)
    assert weighted == pytest.approx((nats * weight).mean(), rel=1e-5)
    assert weighted_bits / bits == pytest.approx((nats * weight).sum() / weight.sum() / nats.mean(), rel=1e-5)
    assert model.train_on_batch(inputs)[0] == pytest.approx(loss, rel=1e-5)
    assert model.test_on_batch(inputs)[0] < loss, "it has trained"


@every
def test_fit_splits_weighs_and_keeps_the_best_by_bits_per_dim(descriptor, tmp_path):
    model, inputs, images = compiled(descriptor, run_eagerly=False)
    callbacks = [
        keras.callbacks.EarlyStopping("val_bits_per_dim", patience=5, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "val_bits_per_dim", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau("val_bits_per_dim"),
    ]
    history = model.fit(
        inputs, epochs=2, batch_size=4, validation_split=0.25, sample_weight=np.ones(8), callbacks=callbacks, verbose=0
    ).history
    assert history["loss"][1] < history["loss"][0]
    best = min(history["val_bits_per_dim"])
    validation = keras.tree.map_structure(lambda x: x[6:], inputs)
    loaded = keras.models.load_model(tmp_path / "best.keras")
    nats = np.mean(negative_log_likelihood(images[6:], loaded(validation)))
    assert nats / (images[0].size * np.log(2)) == pytest.approx(best, rel=1e-5), "the lowest is the best"


@every
def test_inputs_by_name_and_predict(descriptor):
    model, inputs, _ = compiled(descriptor)
    logits = np.array(model(inputs))
    assert np.array_equal(model(by_name(inputs)), logits)
    np.testing.assert_allclose(model.predict(by_name(inputs), verbose=0), logits, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"by name are \"images\".*got \['image'\]"):
        model({"image": inputs})


@every
def test_weights_go_through_files(descriptor, tmp_path):
    model, (inputs,) = make(descriptor)
    model.save_weights(tmp_path / "model.weights.h5")
    twin = descriptor.cls(**descriptor.arguments)
    twin.load_weights(tmp_path / "model.weights.h5")
    assert np.array_equal(twin(inputs), model(inputs))


@every
def test_the_export_takes_integer_images(descriptor, tmp_path):
    model, (inputs,) = make(descriptor)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    values = inputs if isinstance(inputs, list) else [inputs]
    values = [tf.constant(values[0], tf.int32), *map(tf.constant, values[1:])]
    logits = served.serve(values if len(values) > 1 else values[0])
    np.testing.assert_allclose(logits, model(inputs), rtol=1e-5, atol=1e-5)


def test_quantizing_is_refused_with_what_to_use():
    model, (inputs,) = make(MODELS[0])
    before = np.array(model(inputs))
    with pytest.raises(NotImplementedError, match=r'cannot be quantized.*dtype="mixed_bfloat16"'):
        model.quantize("int8")
    assert np.array_equal(model(inputs), before)


@pytest.mark.parametrize("descriptor", MODELS[:2], ids=str)
def test_scaled_images_are_no_levels(descriptor):
    model, inputs, images = compiled(descriptor, run_eagerly=False)
    scaled = images / np.float32(6)
    given = [scaled, inputs[1]] if isinstance(inputs, list) else scaled
    with pytest.raises(ValueError, match=r"images must hold integer levels from 0 to levels - 1, got 0\.\d+.*unscaled"):
        model(given)
    dataset = tf.data.Dataset.from_tensors(by_name(given))
    for method in (model.predict, model.evaluate, model.fit):
        for wrong in (given, dataset, (batch for batch in [(by_name(given),)])):
            with pytest.raises(ValueError, match=r"images must hold integer levels from 0 to levels - 1, got 0\.\d+"):
                method(wrong, verbose=0)
    assert np.isnan(model.predict_on_batch(given)).all()
    for targets in (None, scaled, images):
        assert np.isnan(model.test_on_batch(given, targets)[0])


def test_numbers_out_of_range_and_other_targets_are_refused_before_a_step():
    model, (images, labels), _ = compiled(next(d for d in MODELS if d.classes))
    with pytest.raises(ValueError, match=r"images must hold integer levels from 0 to 6, got 7"):
        model.fit([images + np.uint8(1), labels], verbose=0)
    for too_large in (images + np.uint8(1), tf.constant(images, "int64") + 1, images.astype("float32") + 1):
        with pytest.raises(ValueError, match=r"images must hold integer levels from 0 to 6, got 7"):
            model([too_large, labels])
    with pytest.raises(ValueError, match=r"images must hold integer levels from 0 to 6, got -1"):
        model([images.astype("int8") - np.int8(1), labels])
    with pytest.raises(ValueError, match=r"condition must hold integers from 0 to 4; got 5"):
        model.evaluate([images, labels + np.int32(1)], verbose=0)
    for targets in (labels, labels[:, None]):
        with pytest.raises(ValueError, match=r"own targets: call fit\(images\), or fit\(\[images, labels\]\)"):
            model.fit([images, labels], targets, verbose=0)
    with pytest.raises(ValueError, match=r"own targets: call fit\(images\), or fit\(\[images, labels\]\)"):
        model.fit(images, labels, verbose=0)
    with pytest.raises(ValueError, match=r"got [0-9]\.5\. The model scales images itself: round resized images"):
        model([images + np.float32(2.5), labels])
    with pytest.raises(ValueError, match=r"targets must be images of the shape \(None, 6, 5, 3\).*got \(8, 6, 5, 1\)"):
        model.evaluate([images, labels], images[..., :1], verbose=0)
    with pytest.raises(ValueError, match=r"validation|images must hold"):
        model.fit([images, labels], validation_data=([images + np.uint8(1), labels],), verbose=0)


@every
def test_validation_data_are_images_as_training_data_are(descriptor):
    model, inputs, images = compiled(descriptor)
    model.optimizer.learning_rate = 0.0
    loss, first = model.evaluate(inputs, batch_size=8, verbose=0)[0], np.eye(8)[0]
    of_first = model.test_on_batch(inputs, sample_weight=first)[0]
    assert of_first < 0.5 * loss

    def validated(data):
        return model.fit(inputs, validation_data=data, batch_size=8, verbose=0).history["val_loss"][0]

    arrays = [(inputs,), by_name(inputs), (inputs, images), *([] if isinstance(inputs, list) else [inputs])]
    assert [validated(data) for data in arrays] == pytest.approx([loss] * len(arrays), rel=1e-5)
    weighted = [(inputs, images, first), (inputs, None, first)]
    assert [validated(data) for data in weighted] == pytest.approx([of_first] * 2, rel=1e-5)
    with pytest.raises(ValueError, match="images must hold integer levels"):
        validated({**by_name(inputs), "images": images + np.uint8(model.levels)})


def test_weights_of_classes_are_refused_with_what_to_use():
    model, _, images = compiled(MODELS[0])
    for targets in ((), (images,)):
        with pytest.raises(ValueError, match=r"targets are images.*pass sample_weight=weights\[labels\]"):
            model.fit(images, *targets, class_weight={0: 1.0, 1: 2.0}, verbose=0)


def test_a_loss_that_becomes_nan_stops_fit():
    model, inputs, _ = compiled(MODELS[0], run_eagerly=False)

    def batches():
        yield (inputs,)
        yield (np.where(inputs == 0, np.uint8(9), inputs),)

    with pytest.raises(FloatingPointError, match="The loss became NaN at batch 1"):
        model.fit(batches(), steps_per_epoch=2, shuffle=False, verbose=0)


def test_compile_takes_the_loss_of_the_model_and_no_cross_entropy_of_probabilities():
    model, _ = make(MODELS[0])
    assert model.block == "pixel_cnn"
    model.compile("sgd")
    assert isinstance(model.loss, NegativeLogLikelihood)
    assert not model.jit_compile, "its convolutions are faster without XLA"
    for wrong in ("sparse_categorical_crossentropy", keras.losses.SparseCategoricalCrossentropy()):
        with pytest.raises(ValueError, match="would treat the model's logits as probabilities"):
            model.compile("sgd", wrong)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
    assert model.jit_compile
