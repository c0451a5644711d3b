"""Warm-up records: requests that a server runs when it loads a model, before it reports it as available.

The first request of a signature is slow, because it optimizes the graph.
"""

import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

# Path that the server reads, inside the folder of a version.
WARMUP_FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup(folder: pathlib.Path, model_name: str, requests: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Write warm-up requests.

    Args:
        folder: the folder of the version.
        model_name: name of the served model.
        requests: inputs by name, for each signature; strings as arrays of `bytes` objects.
    """
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=model_name, signature_name=signature),
                inputs={name: tf.make_tensor_proto(value) for name, value in inputs.items()},
            )
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


def read_warmup(folder: pathlib.Path) -> list[predict_pb2.PredictRequest]:
    """Read the warm-up requests of a version.

    Raises:
        ValueError: if there is no such file, or it holds anything else.
    """
    path = folder / WARMUP_FILE
    if not path.is_file():
        raise ValueError(f"There is no {WARMUP_FILE}.")
    try:
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    except (tf.errors.DataLossError, ValueError) as error:
        raise ValueError(f"{WARMUP_FILE} is not a file of warm-up records: {error}") from error
    return [log.predict_log.request for log in logs]
