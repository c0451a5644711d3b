"""Warm-up records: requests that a server runs when it loads a model, before it says that it is available.

The first request of a signature is slow, since its graph is optimised then.
"""

import pathlib

import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from export.examples import example_inputs
from export.signatures import Signatures

# Where the server looks, inside the folder of a version.
WARMUP_FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup(folder: pathlib.Path, model_name: str, signatures: Signatures) -> None:
    """Write one request of one row for every signature.

    Args:
        folder: the folder of the version.
        model_name: name under which the model is served.
        signatures: the signatures of the model.
    """
    model = signatures.model
    values = example_inputs(model.image_shape, model.levels, model.condition_features, batch=1)
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in signatures.inputs.items():
            request = predict_pb2.PredictRequest(
                model_spec=model_pb2.ModelSpec(name=model_name, signature_name=name),
                inputs={item.name: tf.make_tensor_proto(values[item.name], item.dtype) for item in inputs},
            )
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
