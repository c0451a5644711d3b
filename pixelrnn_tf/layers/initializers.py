"""Initializers of the biases of LSTM gates and logistic mixtures."""

import keras
import numpy as np
from keras import ops

from pixelrnn_tf.typing import Config, DType, Tensor


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class ForgetGateOnes(keras.initializers.Initializer):
    """Initialize LSTM biases: one for the forget gate, zero for the others.

    The features are `runs` groups of four gates each, in the order o, f, i, g.

    Args:
        runs: number of runs, one per direction of the LSTM.
    """

    def __init__(self, runs: int = 1):
        self.runs = runs

    def __call__(self, shape: tuple[int, ...], dtype: DType = None) -> Tensor:
        (features,) = shape
        if features % (4 * self.runs):
            raise ValueError(f"{features} features cannot be split into {self.runs} runs of four equal gates.")
        bias = np.zeros((self.runs, 4, features // (4 * self.runs)))
        bias[:, 1] = 1.0
        return ops.convert_to_tensor(bias.reshape(features), dtype=keras.backend.standardize_dtype(dtype))

    def get_config(self) -> Config:
        return {"runs": self.runs}


@keras.saving.register_keras_serializable(package="pixelrnn_tf")
class MixtureBias(keras.initializers.Initializer):
    """Initialize the biases of the parameters of logistic mixtures: weights, means and log scales.

    Weights are equal, means are spread evenly over [-1, 1], and scales make the components overlap.

    Args:
        mixtures: number of components.
    """

    def __init__(self, mixtures: int):
        self.mixtures = mixtures

    def __call__(self, shape: tuple[int, ...], dtype: DType = None) -> Tensor:
        number = self.mixtures
        means = (2 * np.arange(number) + 1) / number - 1
        of_one = np.concatenate([np.zeros(number), means, np.full(number, -np.log(number + 1))])
        bias = np.tile(of_one, shape[0] // len(of_one))
        return ops.convert_to_tensor(bias, dtype=keras.backend.standardize_dtype(dtype))

    def get_config(self) -> Config:
        return {"mixtures": self.mixtures}
