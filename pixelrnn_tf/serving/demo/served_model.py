"""State, metadata and answers of a served model, as messages of TensorFlow Serving."""

import os
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2, predict_pb2

from pixelrnn_tf.serving.demo.session import SessionModel, invalid
from pixelrnn_tf.serving.versions import version_dir
from pixelrnn_tf.serving.warmup import read_warmup

State = get_model_status_pb2.ModelVersionStatus


class ServedModel:
    """The newest version of a model. Until it is loaded, requests get the error of a server that has no such model.

    Args:
        name: of the model in addresses.
        path: `BASE/NAME`, or the folder of a version.

    Raises:
        ValueError: if there is no SavedModel.
    """

    def __init__(self, name: str, path: str | os.PathLike):
        self.name, self.path = name, version_dir(path)
        # The server reads a folder 00000001 as version 1.
        self.version = int(self.path.name) if self.path.name.isdigit() else 1
        self.failure = ""
        self._state = State.START
        self._model: SessionModel | None = None
        self._changing = threading.Lock()

    def load(self, warm: Iterable[str] = ()) -> None:
        """Load the model and run the warm-up requests of some signatures; an error becomes the model's state.

        Args:
            warm: the signatures, in order. The others start at their first request.
        """
        self._state = State.LOADING
        try:
            model = SessionModel(self.path)
            requests = {}
            if warm:
                requests = {item.model_spec.signature_name: item for item in read_warmup(self.path)}
            for name in warm:
                if name in requests:
                    model.predict(name, dict(requests[name].inputs))
            with self._changing:
                if self._state == State.LOADING:
                    self._model, self._state = model, State.AVAILABLE
                    return
            model.close()
        except Exception as error:  # The server reports the error and continues.
            self._state, self.failure = State.END, str(error)

    def close(self) -> None:
        """Unload the model."""
        with self._changing:
            model, self._model, self._state = self._model, None, State.END
        if model is not None:
            model.close()

    def find(self, spec: model_pb2.ModelSpec) -> SessionModel:
        """The model that a request asks for.

        Raises:
            tf.errors.OpError: if the server has no such model, or has not loaded it.
        """
        if not spec.name:
            raise invalid("Missing model name in request's model_spec")
        self._check_label(spec)
        if spec.name != self.name or self._model is None or not self._is_version(spec):
            asked = (
                f"Specific({spec.name}, {spec.version.value})" if spec.HasField("version") else f"Latest({spec.name})"
            )
            raise tf.errors.NotFoundError(None, None, f"Servable not found for request: {asked}")
        return self._model

    def predict(self, request: predict_pb2.PredictRequest) -> dict[str, np.ndarray]:
        """The outputs of a signature by name."""
        name = request.model_spec.signature_name or "serving_default"
        return self.find(request.model_spec).predict(name, request.inputs)

    def metadata(self, request: get_model_metadata_pb2.GetModelMetadataRequest) -> Any:
        """The `GetModelMetadataResponse` with the signatures of the model."""
        if list(request.metadata_field) != ["signature_def"]:
            raise invalid(f"Metadata field {list(request.metadata_field)} is not supported")
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for key, signature in self.find(request.model_spec).signatures.items():
            signatures.signature_def[key].CopyFrom(signature)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name, answer.model_spec.version.value = self.name, self.version
        answer.metadata["signature_def"].Pack(signatures)
        return answer

    def status(self, request: get_model_status_pb2.GetModelStatusRequest) -> Any:
        """The `GetModelStatusResponse` with the state of the version."""
        spec = request.model_spec
        if spec.name != self.name:
            raise tf.errors.NotFoundError(None, None, f"Could not find any versions of model {spec.name}")
        self._check_label(spec)
        if not self._is_version(spec):
            message = f"Could not find version {spec.version.value} of model {spec.name}"
            raise tf.errors.NotFoundError(None, None, message)
        answer = get_model_status_pb2.GetModelStatusResponse()
        item = answer.model_version_status.add(version=self.version, state=self._state)
        item.status.error_code = error_codes_pb2.Code.UNKNOWN if self.failure else error_codes_pb2.Code.OK
        item.status.error_message = self.failure
        return answer

    def _is_version(self, spec: model_pb2.ModelSpec) -> bool:
        return not spec.HasField("version") or spec.version.value == self.version

    @staticmethod
    def _check_label(spec: model_pb2.ModelSpec) -> None:
        """Labels are given to versions in the server's configuration, which the demo has not."""
        if spec.version_label:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
