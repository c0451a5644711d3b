"""Training on one or more devices; interrupt at any step and resume with the same call."""

from pixelrnn_cli.data_config import DataConfig
from pixelrnn_cli.train_config import DistributionConfig, TrainConfig
from pixelrnn_tf.training.run import train

__all__ = ["DataConfig", "DistributionConfig", "TrainConfig", "train"]
