"""Requests that a server must refuse, of every kind, the same ones in every run.

A kind makes wrong inputs of one signature; they go out as gRPC tensors, as columns and as rows of JSON, where
the form can say them at all. More kinds are wrong in the form itself.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from pixelrnn_tf.pictures import png_files
from tests.support.serving_requests import SIGNATURES, Inputs, to_body, to_message

PNGS = ("image_bytes", "known_bytes")


@dataclasses.dataclass(frozen=True)
class Request:
    """A request: a message for gRPC, or a path and a body for REST."""

    kind: str
    message: predict_pb2.PredictRequest | None = None
    path: str = ""
    body: bytes = b""


class Inapplicable(Exception):  # noqa: N818
    """A signature that has no input of the kind."""


class Kinds:
    """Ways to be wrong; each takes the name of a signature and good inputs, and returns wrong ones.

    Args:
        rng: where everything random is from.
        image_shape: `(height, width, channels)` of the model, with one channel.
        levels: of the model, fewer than 256.
    """

    def __init__(self, rng: np.random.Generator, image_shape: tuple[int, int, int], levels: int):
        self.rng, self.image_shape, self.levels = rng, image_shape, levels

    def good(self, name: str, batch: int) -> Inputs:
        height, width, channels = self.image_shape
        inputs = {
            "images": self.rng.integers(0, self.levels, (batch, height, width, channels), "uint8"),
            "known": self.rng.random((batch, height, width)) < 0.5,
            "seed": self.rng.integers(-(2**31), 2**31, (batch, 2)).astype("int32"),
            "temperature": self.rng.uniform(0.5, 2.0, batch).astype("float32"),
            "image_bytes": [self._png(height, width) for _ in range(batch)],
            "known_bytes": [self._png(height, width) for _ in range(batch)],
        }
        return {key: inputs[key] for key in SIGNATURES[name]}

    def _png(self, height: int, width: int, *channels: int) -> bytes:
        return png_files.encode(self.rng.integers(0, 256, (height, width, *channels), "uint8"))

    def _pick(self, inputs: Inputs, *keys: str) -> str:
        among = [key for key in inputs if not keys or key in keys]
        if not among:
            raise Inapplicable
        return among[self.rng.integers(len(among))]

    def _one_png(self, inputs: Inputs, change: Callable[[bytes], bytes]) -> Inputs:
        key = self._pick(inputs, *PNGS)
        files = list(inputs[key])
        place = self.rng.integers(len(files))
        files[place] = change(files[place])
        return {**inputs, key: files}

    def wrong_size_of_an_axis(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs, "images", "known", "seed")
        axis = self.rng.integers(1, inputs[key].ndim)
        more = [(0, 0)] * inputs[key].ndim
        more[axis] = (0, int(self.rng.integers(1, 4)))
        return {**inputs, key: np.pad(inputs[key], more)}

    def smaller_axis(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs, "images", "known", "seed")
        axis = self.rng.integers(1, inputs[key].ndim)
        # An axis of size one would leave an empty list, which has a shape of its own.
        return {**inputs, key: np.delete(inputs[key], 0, axis)}

    def one_axis_too_many(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs)
        value = inputs[key]
        return {**inputs, key: [[item] for item in value] if key in PNGS else value[..., None]}

    def one_axis_too_few(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs, "images", "known", "seed", "temperature")
        return {**inputs, key: inputs[key][..., 0]}

    def axes_in_another_order(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs, "images", "seed")
        return {**inputs, key: np.moveaxis(inputs[key], -1, 0)} if len(inputs[key]) > 2 else self.smaller_axis(inputs)

    def other_batch_size(self, inputs: Inputs) -> Inputs:
        if len(inputs) == 1:
            raise Inapplicable
        key = self._pick(inputs)
        times = int(self.rng.choice([2, 3, 1000]))
        return {**inputs, key: inputs[key] * times if key in PNGS else np.concatenate([inputs[key]] * times)}

    def level_too_high(self, inputs: Inputs) -> Inputs:
        images = inputs[self._pick(inputs, "images")].copy()
        images.flat[self.rng.integers(images.size)] = self.rng.integers(self.levels, 256)
        return {**inputs, "images": images}

    def bad_temperature(self, inputs: Inputs) -> Inputs:
        temperature = inputs[self._pick(inputs, "temperature")].copy()
        bad = [0.0, -0.0, -1.0, -1e30, float("nan"), float("inf"), float("-inf"), 1e-45]
        temperature[self.rng.integers(len(temperature))] = self.rng.choice(bad)
        return {**inputs, "temperature": temperature}

    def other_type(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs)
        if key in PNGS:
            return {**inputs, key: np.arange(len(inputs[key]))}
        if key == "temperature":
            return {**inputs, key: np.array([b"hot"] * len(inputs[key]), object)}
        dtype = {"images": "float32", "known": "int32", "seed": "float32"}[key]
        return {**inputs, key: inputs[key].astype(dtype)}

    def missing_input(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs)
        return {other: value for other, value in inputs.items() if other != key}

    def misspelt_input(self, inputs: Inputs) -> Inputs:
        key = self._pick(inputs)
        return {f"{other}s" if other == key else other: value for other, value in inputs.items()}

    def extra_input(self, inputs: Inputs) -> Inputs:
        return {**inputs, "extra": np.zeros(len(next(iter(inputs.values()))), "float32")}

    def no_png(self, inputs: Inputs) -> Inputs:
        return self._one_png(inputs, lambda file: self.rng.bytes(int(self.rng.integers(0, 200))))

    def truncated_png(self, inputs: Inputs) -> Inputs:
        # Up to the start of the last chunk but the end mark: without the end mark alone, no pixel is missing.
        return self._one_png(inputs, lambda file: file[: self.rng.integers(8, len(file) - 24)])

    def broken_png(self, inputs: Inputs) -> Inputs:
        def change(file):
            start = file.index(b"IDAT") + 4
            place = self.rng.integers(start, len(file) - 16)
            return file[:place] + bytes([file[place] ^ 0x55]) + file[place + 1 :]

        return self._one_png(inputs, change)

    def giant_png_header(self, inputs: Inputs) -> Inputs:
        size = int(self.rng.choice([20_000, 2**20, 2**31 - 1])).to_bytes(4, "big")
        return self._one_png(inputs, lambda file: file[:16] + size + size + file[24:])

    def png_of_another_size(self, inputs: Inputs) -> Inputs:
        height, width = (int(n + self.rng.integers(1, 5)) for n in self.image_shape[:2])
        return self._one_png(inputs, lambda file: self._png(height, width))

    def png_in_color(self, inputs: Inputs) -> Inputs:
        return self._one_png(inputs, lambda file: self._png(*self.image_shape[:2], 3))

    def png_of_16_bits(self, inputs: Inputs) -> Inputs:
        values = self.rng.integers(0, 2**16, (*self.image_shape[:2], 1)).astype("uint16")
        return self._one_png(inputs, lambda file: tf.io.encode_png(values).numpy())

    def other_file(self, inputs: Inputs) -> Inputs:
        start = [b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"RIFF"][self.rng.integers(4)]
        return self._one_png(inputs, lambda file: start + file)


# In rows every input has the number of rows; in columns the server itself ignores names it does not know.
NOT_IN_ROWS = ("other_batch_size", "axes_in_another_order", "one_axis_too_few")
NOT_IN_COLUMNS = ("extra_input",)
# Words that begin the kind of a request for what the server answers with an error of its own, "internal".
RESERVED = "reserved signature"
KINDS = [name for name in vars(Kinds) if not name.startswith("_") and name != "good"]


def malformed_requests(
    number: int, model: str, image_shape: tuple[int, int, int], levels: int, seed: int = 0
) -> Iterator[Request]:
    """`number` requests; the kinds, signatures and forms take turns, so that few of them hold every kind."""
    rng = np.random.default_rng(seed)
    kinds = Kinds(rng, image_shape, levels)
    turn = 0
    while number > 0:
        for kind in [*KINDS, "form", "other form"]:
            if kind.endswith("form"):
                request = malformed_form(kinds, model, 2 * turn + (kind == "form"))
            else:
                request = malformed_inputs(kinds, kind, model, turn)
            yield request
            number -= 1
            if not number:
                return
        turn += 1


def malformed_inputs(kinds: Kinds, kind: str, model: str, turn: int) -> Request:
    names = list(SIGNATURES)
    form = ["grpc", "columns", "rows"][turn % 3]
    if form == "rows" and kind in NOT_IN_ROWS:
        form = "columns"
    elif form == "columns" and kind in NOT_IN_COLUMNS:
        form = "rows"
    for k in range(len(names)):
        name = names[(turn + k) % len(names)]
        try:
            inputs = getattr(kinds, kind)(kinds.good(name, int(kinds.rng.integers(1, 4))))
        except Inapplicable:
            continue
        return to_request(kind, model, name, inputs, form)
    raise AssertionError(f"No signature has an input for {kind}.")


def to_request(kind: str, model: str, name: str, inputs: Inputs, form: str) -> Request:
    """Inputs of a signature in one of the forms "grpc", "columns" and "rows"."""
    kind = f"{kind} of {name}, {form}"
    if form == "grpc":
        return Request(kind, message=to_message(model, name, inputs))
    return Request(kind, path=f"/v1/models/{model}:predict", body=to_body(name, inputs, form))


def malformed_form(kinds: Kinds, model: str, turn: int) -> Request:
    """A request that is wrong in itself."""
    good = kinds.good("sample", 2)
    forms = {**forms_of_grpc(kinds, good, model), **forms_of_rest(kinds, good, model)}
    name = list(forms)[turn % len(forms)]
    form = forms[name]
    return Request(name, *((form, "", b"") if isinstance(form, predict_pb2.PredictRequest) else (None, *form)))


def forms_of_grpc(kinds: Kinds, good: Inputs, model: str) -> dict[str, predict_pb2.PredictRequest]:
    overflowing, negative = (to_message(model, "sample", good) for _ in range(2))
    for axis in overflowing.inputs["seed"].tensor_shape.dim:
        axis.size = 2**62
    negative.inputs["seed"].tensor_shape.dim[0].size = -2
    short = to_message(model, "score", kinds.good("score", 1))
    short.inputs["images"].tensor_content = short.inputs["images"].tensor_content[:-1]
    return {
        "unknown model, gRPC": to_message("nobody", "sample", good),
        "unknown signature, gRPC": to_message(model, "dream", good),
        "overflowing shape": overflowing,
        "negative size": negative,
        "content too short": short,
        "no model named": to_message("", "sample", good),
        "reserved signature, gRPC": to_message(model, "__saved_model_init_op", {}),
        "reserved signature with inputs, gRPC": to_message(model, "__saved_model_init_op", good),
        "no inputs, gRPC": predict_pb2.PredictRequest(model_spec={"name": model}),
    }


def forms_of_rest(kinds: Kinds, good: Inputs, model: str) -> dict[str, tuple[str, bytes]]:
    """Paths and bodies."""
    body, path = to_body("sample", good, "columns"), f"/v1/models/{model}"
    wrong_paths = {
        "unknown model": "/v1/models/nobody:predict",
        "unknown version": f"{path}/versions/77:predict",
        "version too large": f"{path}/versions/{10**30}:predict",
        "other verb": f"{path}:dream",
    }
    wrong_bodies = {
        "unknown signature": body.replace(b'"sample"', b'"dream"'),
        "signature no string": body.replace(b'"sample"', b"[1]"),
        "truncated JSON": body[: int(kinds.rng.integers(0, len(body)))],
        "no UTF-8": body[:40] + b"\xff\xfe" + body[40:],
        "no JSON": kinds.rng.bytes(100),
        "list": b"[" + body + b"]",
        "null": b"null",
        "both forms": body[:-1] + b', "instances": [1]}',
        "neither form": b'{"signature_name": "sample"}',
        "no rows": b'{"instances": []}',
        "rows no list": b'{"instances": 3}',
        "rows of two kinds": b'{"instances": [[[[1]]], {"images": [[[1]]]}]}',
        "deep lists": b'{"inputs": ' + b"[" * 100 + b"]" * 100 + b"}",
        "ragged lists": ragged(kinds),
        "nulls": b'{"inputs": [[[[null]]]]}',
        "no base64": b'{"signature_name": "score_png", "inputs": [{"b64": "*?"}]}',
        "other object": b'{"signature_name": "score_png", "inputs": [{"b64": "", "x": 1}]}',
        "integer too large": b'{"signature_name": "sample", "inputs": {"seed": [[9999999999, 0]], "temperature": [1]}}',
        "number too large": b'{"inputs": [[[[1e400]]]]}',
        "integer of 30 digits": body.replace(b'"temperature": [', b'"temperature": [' + b"9" * 30 + b", "),
        "integer of 400 digits": body.replace(b'"temperature": [', b'"temperature": [' + b"9" * 400 + b", "),
        "integer of 5000 digits": b'{"signature_name": "score", "inputs": [[[[' + b"9" * 5000 + b"]]]]}",
        "lone surrogate": body.replace(b'"sample"', b'"\\ud800"'),
        "lone surrogate in a name": body.replace(b'"seed"', b'"\\udfff"'),
        "lone surrogate in a file": b'{"signature_name": "score_png", "inputs": ["\\ud800"]}',
        "reserved signature": body.replace(b'"sample"', b'"__saved_model_init_op"'),
        "reserved signature, plain": b'{"signature_name": "__saved_model_init_op", "inputs": [1]}',
        "reserved signature, rows": b'{"signature_name": "__saved_model_init_op", "instances": [1]}',
        "unknown reserved name": body.replace(b'"sample"', b'"__saved_model_train_op"'),
    }
    return {name: (wrong, body) for name, wrong in wrong_paths.items()} | {
        name: (f"{path}:predict", wrong) for name, wrong in wrong_bodies.items()
    }


def ragged(kinds: Kinds) -> bytes:
    images = kinds.good("score", 2)["images"].tolist()
    images[1][kinds.rng.integers(len(images[1]))].pop()
    return json.dumps({"inputs": images}).encode()
