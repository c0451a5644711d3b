"""Signatures of an exported model.

Every input and output is batch-major and has a name; the result of a row depends only on that row. Conditional models
take one more input, `condition`, with the shape and dtype of the conditioner: a map float32
(batch, H, W, condition_features), or a label int32 (batch,). H, W, C stand for the image's height, width and channels,
K for the number of classes:


| signature | inputs | outputs |
|---|---|---|
| `score`, `serving_default` | `images` uint8 (batch, H, W, C) | `log_prob`, `bits_per_dim` float32 (batch,) |
| `logits` | `images` | `logits` float32 (batch, H, W, C, levels) |
| `surprise` | `images` | `log_prob_map` float32 (batch, H, W, C), `log_prob` |
| `sample` | `seed` int32 (batch, 2), `temperature` float32 (batch,) | `images`, `log_prob` |
| `complete` | `images`, `known` bool (batch, H, W), `seed`, `temperature` | `images`, `log_prob` |
| `score_png` | `image_bytes` string (batch,) | `log_prob`, `bits_per_dim` |
| `surprise_png` | `image_bytes` | `log_prob_map`, `log_prob` |
| `sample_png` | `seed`, `temperature` | `image_bytes`, `log_prob` |
| `complete_png` | `image_bytes`, `known_bytes` string (batch,), `seed`, `temperature` | `image_bytes`, `log_prob` |
| `classify`, of class-conditional models | `images` | `probabilities` float32 (batch, K), `log_prob` |
| `classify_png`, same | `image_bytes` | `probabilities`, `log_prob` |
| `class_names`, if the classes have names | `condition` | `class_name` string (batch,) |
| `describe` | `key` string (batch,), each one of `CARD_KEYS` | `value` string (batch,) |

If the classes have names, `classify` and `classify_png` also return the most probable one as `class_name`.

A model with `inputs="codes"` takes and returns `images` in int32, and has no signatures with PNGs.

`images` are in [0, levels), also at unknown pixels. They are checked as the server passes them: it reads JSON
integers modulo 256, so 259 arrives as 3. PNGs hold levels as bytes: level l of L is the byte round(l * 255 / (L - 1)),
and a byte v is the level round(v * (L - 1) / 255). In the grayscale PNGs of `known_bytes`, pixels of at least 128 are
known. `log_prob` is in nats per image, at temperature 1. In `classify` it is marginalized over equally probable
classes, and `probabilities` are those of the classes given the image. `log_prob_map` holds the terms of `log_prob`: the
log-probability of every sub-pixel given the earlier ones.

`describe` returns entries of the export's card (`assets.extra/model.json`): `value` is the JSON of the entry `key`, or
`null` if there is none. "examples" holds images of the model's size, each a PNG file in base64.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from pixelrnn_tf.data import to_bytes, to_levels
from pixelrnn_tf.files import to_json
from pixelrnn_tf.layers import ConditionFormat
from pixelrnn_tf.models import ImageModel, bits_per_dim, class_log_probs, negative_log_likelihood
from pixelrnn_tf.models.classification import marginal_of
from pixelrnn_tf.models.likelihood import log_prob_of_levels
from pixelrnn_tf.sampling import MAX_TEMPERATURE, MIN_TEMPERATURE, generate, image_noise
from pixelrnn_tf.serving.client.metadata import CARD_KEYS
from pixelrnn_tf.serving.input_checks import Input, checked, finite
from pixelrnn_tf.serving.png_ops import COLOR_TYPES, decode_pngs

Outputs = dict[str, tf.Tensor]
# Default limit of the rows of a request: a server would run out of memory before it rejects one.
MAX_BATCH_SIZE = 256


class Signatures:
    """Signatures of a model.

    Args:
        model: the network, in float32.
        max_batch_size: maximum number of rows of a request.
        card: entries for `describe` by key.

    Attributes:
        inputs: inputs of every signature in order, by its name.
    """

    def __init__(self, model: ImageModel, max_batch_size: int = MAX_BATCH_SIZE, card: Mapping[str, Any] | None = None):
        self.model, self.max_batch_size, self.card = model, max_batch_size, card or {}
        # Traced once and shared by signatures.
        self._run_model = tf.function(self._logits_of, autograph=False)
        self._generate = tf.function(self._generate_from, autograph=False)
        self._of_classes = tf.function(self._class_log_probs, autograph=False)
        self.inputs = _inputs_by_signature(model)

    def function(self, name: str) -> Callable[..., Outputs]:
        """Make the function of one signature, which checks its arguments, the tensors of `inputs[name]` in order."""
        inputs = self.inputs[name]
        run = getattr(self, "_score" if name == "serving_default" else f"_{name}")

        def serve(*tensors: tf.Tensor) -> Outputs:
            right = checked(inputs, tensors, self.max_batch_size)
            return finite(run(**{item.name: tensor for item, tensor in zip(inputs, right, strict=True)}))

        return serve

    def _score(self, images: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        nats = negative_log_likelihood(images, self._run_model(images, condition))
        return {"log_prob": -nats, "bits_per_dim": bits_per_dim(nats, self.model.image_shape)}

    def _logits(self, images: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        return {"logits": self._run_model(images, condition)}

    def _surprise(self, images: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        terms = log_prob_of_levels(images, self._run_model(images, condition))
        return {"log_prob_map": terms, "log_prob": tf.reduce_sum(terms, (1, 2, 3))}

    def _sample(self, seed: tf.Tensor, temperature: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        return self._generate(seed, temperature=temperature, condition=condition)

    def _complete(
        self,
        images: tf.Tensor,
        known: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        condition: tf.Tensor | None = None,
    ) -> Outputs:
        return self._generate(seed, images=images, known=known, temperature=temperature, condition=condition)

    def _score_png(self, image_bytes: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        return self._score(self._decode(image_bytes), condition)

    def _surprise_png(self, image_bytes: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        return self._surprise(self._decode(image_bytes), condition)

    def _sample_png(self, seed: tf.Tensor, temperature: tf.Tensor, condition: tf.Tensor | None = None) -> Outputs:
        return self._encode(**self._sample(seed, temperature, condition))

    def _complete_png(
        self,
        image_bytes: tf.Tensor,
        known_bytes: tf.Tensor,
        seed: tf.Tensor,
        temperature: tf.Tensor,
        condition: tf.Tensor | None = None,
    ) -> Outputs:
        known = decode_pngs(known_bytes, (*self.model.image_shape[:2], 1), "known_bytes")[..., 0] >= 128
        return self._encode(**self._complete(self._decode(image_bytes), known, seed, temperature, condition))

    def _classify(self, images: tf.Tensor) -> Outputs:
        log_probs = self._of_classes(images)
        found = {"probabilities": tf.nn.softmax(log_probs), "log_prob": marginal_of(log_probs)}
        if self.model.class_names is not None:
            found |= self._class_names(tf.argmax(found["probabilities"], axis=-1))
        return found

    def _class_names(self, condition: tf.Tensor) -> Outputs:
        return {"class_name": tf.gather(tf.constant(self.model.class_names), condition)}

    def _describe(self, key: tf.Tensor) -> Outputs:
        values = [to_json(self.card.get(name)) for name in CARD_KEYS]
        return {"value": tf.gather(values, tf.argmax(tf.cast(_is_key(key), tf.int32), axis=-1))}

    def _classify_png(self, image_bytes: tf.Tensor) -> Outputs:
        return self._classify(self._decode(image_bytes))

    def _logits_of(self, images: tf.Tensor, condition: tf.Tensor | None) -> tf.Tensor:
        return self.model(images if condition is None else [images, condition])

    def _class_log_probs(self, images: tf.Tensor) -> tf.Tensor:
        """`class_log_probs`, so many classes at a time that they take no more memory than a request of all rows."""
        batch, classes = tf.shape(images)[0], self.model.num_classes
        at_a_time = tf.maximum(self.max_batch_size // batch, 1)

        def add(first: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            labels = tf.range(first, tf.minimum(first + at_a_time, classes))
            return first + at_a_time, tf.concat([found, class_log_probs(self.model, images, labels)], axis=1)

        _, found = tf.while_loop(
            lambda first, _: first < classes,
            add,
            (tf.constant(0), tf.zeros((batch, 0))),
            shape_invariants=(tf.TensorShape(()), tf.TensorShape((None, None))),
            parallel_iterations=1,
        )
        return tf.ensure_shape(found, (None, classes))

    def _generate_from(self, seed: tf.Tensor, **rest: tf.Tensor | None) -> Outputs:
        noise = image_noise(seed, self.model.image_shape)
        images, log_prob = generate(self.model, noise, return_log_prob=True, **rest)
        return {"images": tf.cast(images, _image_dtype(self.model)), "log_prob": log_prob}

    def _decode(self, image_bytes: tf.Tensor) -> tf.Tensor:
        return to_levels(decode_pngs(image_bytes, self.model.image_shape, "image_bytes"), self.model.levels)

    def _encode(self, images: tf.Tensor, log_prob: tf.Tensor) -> Outputs:
        return {"image_bytes": tf.io.encode_png(to_bytes(images, self.model.levels)), "log_prob": log_prob}


def _inputs_by_signature(model: ImageModel) -> dict[str, tuple[Input, ...]]:
    """Inputs of every signature of a model, with their checks."""
    height, width, channels = model.image_shape
    images = Input(
        "images",
        _image_dtype(model),
        model.image_shape,
        lambda x: tf.reduce_all((x >= 0) & (tf.cast(x, tf.int32) < model.levels)),
        f"hold {model.inputs_name} from 0 to {model.levels - 1}",
    )
    known = Input("known", tf.bool, (height, width))
    draw = (
        Input("seed", tf.int32, (2,)),
        Input(
            "temperature",
            tf.float32,
            (),
            lambda x: tf.reduce_all((x >= MIN_TEMPERATURE) & (x <= MAX_TEMPERATURE)),
            f"hold finite numbers greater than 0 (from {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g})",
        ),
    )
    by_name = {
        "score": (images,),
        "logits": (images,),
        "sample": draw,
        "complete": (images, known, *draw),
        "surprise": (images,),
    }
    has_pngs = channels in COLOR_TYPES and model.inputs_name == "levels"
    if has_pngs:
        picture, mask = Input("image_bytes", tf.string), Input("known_bytes", tf.string)
        by_name |= {"score_png": (picture,), "sample_png": draw, "complete_png": (picture, mask, *draw)}
        by_name["surprise_png"] = (picture,)
    takes = model.condition_format
    if takes is not None:
        by_name = {name: (*inputs, _condition_input(takes)) for name, inputs in by_name.items()}
    if model.class_names is not None and takes is not None:
        by_name["class_names"] = (_condition_input(takes),)
    if model.num_classes is not None:
        by_name["classify"] = (images,)
        if has_pngs:
            by_name["classify_png"] = (picture,)
    by_name["serving_default"] = by_name["score"]
    each_is_key = lambda x: tf.reduce_all(tf.reduce_any(_is_key(x), axis=-1))  # noqa: E731
    by_name["describe"] = (Input("key", tf.string, (), each_is_key, f"be among {', '.join(CARD_KEYS)}"),)
    return by_name


def _image_dtype(model: ImageModel) -> tf.DType:
    return tf.int32 if model.inputs_name == "codes" else tf.uint8


def _is_key(key: tf.Tensor) -> tf.Tensor:
    """bool `(batch, len(CARD_KEYS))`: which entry each key names."""
    return key[:, None] == tf.constant(CARD_KEYS)


def _condition_input(takes: ConditionFormat) -> Input:
    """Input for a condition, with the range of its conditioner."""
    low, high = takes.bounds
    return Input(
        "condition",
        tf.as_dtype(takes.dtype),
        takes.shape,
        lambda x: tf.reduce_all((x >= low) & (x <= high)),
        f"hold {takes.meaning()}",
    )
