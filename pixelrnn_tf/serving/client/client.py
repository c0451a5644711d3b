"""Client: score, draw and complete images with a model in TensorFlow Serving."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from pixelrnn_tf.pictures import png_files
from pixelrnn_tf.sampling.temperature import check_temperature
from pixelrnn_tf.serving.client.errors import ModelLoadingError, ModelNotFoundError, ServingError
from pixelrnn_tf.serving.client.metadata import CARD_KEYS, Signature, VersionState, as_input
from pixelrnn_tf.serving.client.rest_transport import RestTransport
from pixelrnn_tf.serving.client.retries import LOAD_SECONDS, Retries
from pixelrnn_tf.serving.client.seeds import image_seeds

T = TypeVar("T")
Seed = int | Sequence[int]
# Exports accept this number of rows, unless their card has a smaller limit.
NAMES_PER_REQUEST = 16
Temperature = float | Sequence[float] | np.ndarray


class Scores(NamedTuple):
    """Log-probability of every image in nats, and bits per sub-pixel: float32 `(batch,)` each."""

    log_prob: np.ndarray
    bits_per_dim: np.ndarray


class Surprise(NamedTuple):
    """Log-probabilities of sub-pixels; low ones mark what the model did not expect.

    Attributes:
        log_prob_map: log-probability of every sub-pixel given the earlier ones, in nats, float32
            `(batch, height, width, channels)`.
        log_prob: log-probability of every image in nats, the sum of its map, float32 `(batch,)`.
    """

    log_prob_map: np.ndarray
    log_prob: np.ndarray


class Classes(NamedTuple):
    """Class probabilities from a class-conditional model.

    Attributes:
        probabilities: float32 `(batch, num_classes)`, under a uniform prior over the classes.
        log_prob: log-probability of every image in nats, marginalized over the classes, float32 `(batch,)`.
    """

    probabilities: np.ndarray
    log_prob: np.ndarray


class Drawn(NamedTuple):
    """Images and their log-probabilities.

    Attributes:
        images: uint8 levels `(batch, height, width, channels)`; a list of PNG files from methods with names ending in
            `_png`.
        log_prob: log-probability of every image in nats, always at temperature 1, float32 `(batch,)`.
    """

    images: Any
    log_prob: np.ndarray


class Client:
    """Client for a model in TensorFlow Serving. Threads may share a client.

    A call is retried, after pauses of up to 5 seconds, while the server is unreachable, busy, loading the model or
    slow. It is retried for 120 seconds, the time that loading may take, unless you set `wait` or `retries`. Retrying is
    safe, since seeds make every call repeatable. A call that the server rejects is not retried.

    Args:
        server: "HOST:PORT".
        model: name of the model in the server.
        protocol: "rest" or "grpc".
        version: version of the model; None for the latest.
        timeout: limit for one attempt, in seconds.
        wait: seconds from the start of a call during which it is retried; 0 for one attempt.
        retries: maximum number of retries; None for as many as `wait` allows.
        notify: called with the error of a failed attempt, before the pause.

    Raises:
        ValueError: for invalid arguments or inputs.
        RequestRejectedError: a ValueError with the server's message, for inputs that do not fit the model.
        ServingError: an OSError with the subclasses in `pixelrnn_tf.serving.client.errors`.

    Example:

        client = Client("localhost:8501", "digits")
        images, log_prob = client.sample(16, seed=0)
        client.score(images).log_prob  # equals log_prob
    """

    def __init__(
        self,
        server: str,
        model: str,
        *,
        protocol: str = "rest",
        version: int | None = None,
        timeout: float = 60.0,
        wait: float = LOAD_SECONDS,
        retries: int | None = None,
        notify: Callable[[ServingError], None] | None = None,
    ):
        if not server.strip() or not model.strip():
            raise ValueError(f"server must be HOST:PORT and model a name, got {server!r} and {model!r}.")
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout must be a positive, finite number of seconds, got {timeout}.")
        self.server, self.model, self.version = server, model, version
        self.retries = Retries(wait, retries, notify)
        self.transport = _transport(protocol)(server, model, version, timeout)
        self._signatures: dict[str, Signature] | None = None
        self._class_names: tuple[str, ...] | None = None
        self._card: dict[str, Any] | None = None

    def status(self) -> list[VersionState]:
        """List the versions of the model and their states, in one attempt, for health checks."""
        return self._explain(self.transport.states)

    @property
    def signatures(self) -> dict[str, Signature]:
        """Signatures of the model by name, requested from the server once."""
        if self._signatures is None:
            self._signatures = self._repeat(self.transport.signatures)
        return self._signatures

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (height, width, channels) of the model's images."""
        height, width, channels = self._sizes("sample", "images")[1:]
        return height, width, channels

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, in the order of their labels; None if there are none. Requested once."""
        if self._class_names is None and "class_names" in self.signatures:
            number = self._sizes("classify", "probabilities")[1]
            most = min(NAMES_PER_REQUEST, self.card.get("max_batch_size", NAMES_PER_REQUEST))
            parts = [np.arange(k, min(k + most, number)) for k in range(0, number, most)]
            found = [self.predict("class_names", condition=part)["class_name"] for part in parts]
            self._class_names = tuple(name.decode() for name in np.concatenate(found))
        return self._class_names

    @property
    def card(self) -> dict[str, Any]:
        """Entries of the export's card, those of `metadata.CARD_KEYS`. They are requested once.

        "model" holds the arguments of the model, "scores" the scores of the splits, and "examples" a few images as PNG
        files in base64. Empty for an export of version 0.1.
        """
        if self._card is None:
            keys = CARD_KEYS if "describe" in self.signatures else ()
            # One by one: an export may allow only one row in a request.
            values = {key: json.loads(self.predict("describe", key=[key.encode()])["value"][0]) for key in keys}
            self._card = {key: value for key, value in values.items() if value is not None}
        return self._card

    def predict(self, name: str, **inputs: Any) -> dict[str, np.ndarray]:
        """Run a signature.

        Args:
            name: name of the signature.
            **inputs: its inputs by name, batch first: arrays, or sequences of `bytes`. Inputs that are None are left
                out.

        Returns:
            its outputs by name; byte strings are arrays of objects.
        """
        signature = self._signature(name)
        given = {key: value for key, value in inputs.items() if value is not None}
        if given.keys() != signature.inputs.keys():
            raise ValueError(
                f"The model {self.model} takes {', '.join(signature.inputs)} for {name!r}; got {', '.join(given)}."
            )
        arrays = {key: as_input(key, value, signature.inputs[key]) for key, value in given.items()}
        return self._repeat(lambda: self.transport.predict(name, signature, arrays))

    def score(self, images: np.ndarray, condition: np.ndarray | None = None) -> Scores:
        """Compute log-probabilities of images.

        Args:
            images: integer levels `(batch, height, width, channels)`.
            condition: labels `(batch,)`, or a float map `(batch, height, width, condition_features)`; required if the
                model is conditional.
        """
        return Scores(**self.predict("score", images=images, condition=condition))

    def score_png(self, files: Sequence[bytes], condition: np.ndarray | None = None) -> Scores:
        """`score` for PNG files."""
        return Scores(**self.predict("score_png", image_bytes=_plain(files), condition=condition))

    def surprise(self, images: np.ndarray, condition: np.ndarray | None = None) -> Surprise:
        """Compute the log-probability of every sub-pixel of images; arguments as in `score`."""
        return Surprise(**self.predict("surprise", images=images, condition=condition))

    def surprise_png(self, files: Sequence[bytes], condition: np.ndarray | None = None) -> Surprise:
        """`surprise` for PNG files."""
        return Surprise(**self.predict("surprise_png", image_bytes=_plain(files), condition=condition))

    def classify(self, images: np.ndarray) -> Classes:
        """Classify images with a class-conditional model.

        Args:
            images: integer levels `(batch, height, width, channels)`.
        """
        return _classes(self.predict("classify", images=images))

    def classify_png(self, files: Sequence[bytes]) -> Classes:
        """`classify` for PNG files."""
        return _classes(self.predict("classify_png", image_bytes=_plain(files)))

    def sample(
        self,
        number: int,
        seed: Seed = 0,
        temperature: Temperature = 1.0,
        condition: np.ndarray | None = None,
        first: int = 0,
    ) -> Drawn:
        """Draw images; image k depends only on the seed and k, as in `trainers.sample`.

        Args:
            number: number of images.
            seed: an integer of up to 64 bits, or the two integers of a stateless seed.
            temperature: divisor of the logits: a number, or one per image.
            condition: see `score`.
            first: k of the first image, to draw a large number in parts.
        """
        return Drawn(**self.predict("sample", **_draws(number, seed, temperature, first), condition=condition))

    def sample_png(
        self,
        number: int,
        seed: Seed = 0,
        temperature: Temperature = 1.0,
        condition: np.ndarray | None = None,
        first: int = 0,
    ) -> Drawn:
        """`sample` to PNG files."""
        return _drawn_files(self.predict("sample_png", **_draws(number, seed, temperature, first), condition=condition))

    def complete(
        self,
        images: np.ndarray,
        known: np.ndarray,
        seed: Seed = 0,
        temperature: Temperature = 1.0,
        condition: np.ndarray | None = None,
        first: int = 0,
    ) -> Drawn:
        """Draw the unknown pixels of images given the earlier ones, as `trainers.complete` does.

        Args:
            images: integer levels `(batch, height, width, channels)`. Unknown pixels do not affect the result, but must
                be valid levels, such as 0.
            known: `(batch, height, width)`, True at pixels to keep; or integers, 0 and 1 or 0 and 255.
            seed: seed; completion k depends only on its image, the seed and k.
            temperature: see `sample`.
            condition: see `score`.
            first: k of the first completion.
        """
        draws = _draws(len(images), seed, temperature, first)
        return Drawn(**self.predict("complete", images=images, known=known, **draws, condition=condition))

    def complete_png(
        self,
        files: Sequence[bytes],
        known_files: Sequence[bytes],
        seed: Seed = 0,
        temperature: Temperature = 1.0,
        condition: np.ndarray | None = None,
        first: int = 0,
    ) -> Drawn:
        """`complete` from PNG files to PNG files; unknown pixels are black in those of `known_files`."""
        pictures = {"image_bytes": _plain(files), "known_bytes": _plain(known_files)}
        draws = _draws(len(files), seed, temperature, first)
        return _drawn_files(self.predict("complete_png", **pictures, **draws, condition=condition))

    def close(self) -> None:
        """Close the connections, as leaving a `with` block does."""
        self.transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _signature(self, name: str) -> Signature:
        if name not in self.signatures:
            raise ValueError(
                f"The model {self.model} at {self.server} has no signature {name!r}; it has "
                f"{', '.join(sorted(self.signatures))}."
            )
        return self.signatures[name]

    def _sizes(self, signature: str, output: str) -> tuple[int, ...]:
        """Shape of an output, with 0 for unknown sizes."""
        shape = self._signature(signature).outputs[output].shape
        return tuple(size or 0 for size in shape or ())

    def _repeat(self, call: Callable[[], T]) -> T:
        return self.retries.run(lambda: self._explain(call))

    def _explain(self, call: Callable[[], T]) -> T:
        """Find the cause of a missing model: a server that is loading one reports that there is none."""
        try:
            return call()
        except ModelNotFoundError as error:
            raise self._why_not_found() from error

    def _why_not_found(self) -> ServingError:
        what = f"model {self.model!r}" if self.version is None else f"version {self.version} of model {self.model!r}"
        try:
            states = self.transport.states()
        except ModelNotFoundError:
            states = []
        for state in states:
            if state.state in ("START", "LOADING"):
                return ModelLoadingError(f"The server at {self.server} is still loading {what}.")
            if state.message:
                return ServingError(f"The server at {self.server} could not load {what}: {state.message}")
        return ModelNotFoundError(f"The server at {self.server} has no {what}.")


def _transport(protocol: str) -> Callable[..., Any]:
    if protocol == "rest":
        return RestTransport
    if protocol == "grpc":
        from pixelrnn_tf.serving.client.grpc_transport import GrpcTransport  # Here, because it imports TensorFlow.

        return GrpcTransport
    raise ValueError(f"protocol must be 'rest' or 'grpc', got {protocol!r}.")


def _draws(number: int, seed: Seed, temperature: Temperature, first: int) -> dict[str, np.ndarray]:
    check_temperature(temperature)
    try:
        temperatures = np.broadcast_to(np.asarray(temperature, "float32"), number)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"temperature must be a number, or one per image for {number} images, got {temperature!r}."
        ) from error
    return {"seed": image_seeds(seed, first, number), "temperature": temperatures}


def _plain(files: Sequence[bytes]) -> Sequence[bytes]:
    """Check that viewers show the stored pixels of PNG files, which are all that the server reads.

    Raises:
        ValueError: for a file that viewers rotate, animate or show transparent.
    """
    for k, file in enumerate(files):
        problem = png_files.not_plain(file) if isinstance(file, bytes) else ""
        if problem:
            raise ValueError(f"File {k} is a PNG that viewers show {problem}: save it as one plain picture.")
    return files


def _classes(outputs: dict[str, np.ndarray]) -> Classes:
    return Classes(outputs["probabilities"], outputs["log_prob"])


def _drawn_files(outputs: dict[str, np.ndarray]) -> Drawn:
    return Drawn(list(outputs["image_bytes"]), outputs["log_prob"])
