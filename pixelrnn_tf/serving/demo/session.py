"""A SavedModel in a TensorFlow session, as TensorFlow Serving holds it: no Keras, no XLA."""

import os
import threading
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2

PREDICT = "tensorflow/serving/predict"


def invalid(message: str) -> tf.errors.InvalidArgumentError:
    """The error of a request that is wrong."""
    return tf.errors.InvalidArgumentError(None, None, message)


class SessionModel:
    """A SavedModel in a session. Threads may share it.

    As the server does, it looks at the names and types of inputs, but not at shapes or values: the graph checks them.

    Args:
        path: the folder of a version.

    Attributes:
        signatures: the `SignatureDef` of every signature by name, those of TensorFlow itself included.
    """

    def __init__(self, path: str | os.PathLike):
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        with graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = dict(loaded.signature_def)
        self._runs: dict[str, Callable] = {}
        self._lock = threading.Lock()

    def predict(self, name: str, inputs: Mapping[str, tensor_pb2.TensorProto]) -> dict[str, np.ndarray]:
        """Run a signature.

        Raises:
            tf.errors.OpError: with the code of the server's own error.
        """
        if name not in self.signatures:
            raise tf.errors.FailedPreconditionError(None, None, f'Serving signature key "{name}" not found.')
        self.check_method(name)
        signature = self.signatures[name]
        extra, missing = inputs.keys() - signature.inputs.keys(), signature.inputs.keys() - inputs.keys()
        if len(inputs) != len(signature.inputs):
            raise invalid(
                f"input size does not match signature: {len(inputs)}!={len(signature.inputs)}. "
                f"Sent extra: {{{','.join(sorted(extra))}}}. Missing but required: {{{','.join(sorted(missing))}}}."
            )
        if missing:
            raise invalid(f"Request inputs do not match required inputs for model. Missing: {sorted(missing)}")
        feeds = [_parsed(alias, inputs[alias], info) for alias, info in signature.inputs.items()]
        return dict(zip(signature.outputs, self._run(name)(*feeds), strict=True))

    def check_method(self, name: str) -> None:
        """Reject a signature that is not for predict, such as TensorFlow's own, which initializes the model."""
        if self.signatures[name].method_name != PREDICT:
            raise tf.errors.InternalError(None, None, f"Expected prediction signature method_name to be {PREDICT}.")

    def close(self) -> None:
        """Free the graphs. The model cannot be used after that."""
        with self._lock:
            self._runs.clear()
            self._session.close()

    def _run(self, name: str) -> Callable:
        """A function from arrays in the order of the inputs to arrays in the order of the outputs.

        It is made at the first request, because TensorFlow takes seconds to optimize a graph. Python's `Session.run`
        would check shapes before it hands arrays to the session, which the server does not.
        """
        run = self._runs.get(name)
        if run is not None:  # It does not wait for another signature's optimization.
            return run
        with self._lock:
            if name not in self._runs:
                options, signature = config_pb2.CallableOptions(), self.signatures[name]
                options.feed.extend(info.name for info in signature.inputs.values())
                options.fetch.extend(info.name for info in signature.outputs.values())
                self._runs[name] = self._session._make_callable_from_options(options)
            return self._runs[name]


def _parsed(alias: str, proto: tensor_pb2.TensorProto, info: meta_graph_pb2.TensorInfo) -> np.ndarray:
    """A message as an array, as the server's own `Tensor::FromProto` reads it."""
    try:
        array = tf.io.parse_tensor(proto.SerializeToString(), proto.dtype).numpy()
    except (tf.errors.OpError, TypeError, ValueError) as error:
        raise invalid(f"tensor parsing error: {alias}") from error
    if proto.dtype != info.dtype:
        wanted, given = tf.as_dtype(info.dtype).name, tf.as_dtype(proto.dtype).name
        raise invalid(f"Expects {alias} to be {wanted} but {given} is provided")
    return array
