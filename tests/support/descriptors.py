"""Every public layer and model once, with arguments that use all they can do. Conformance tests run over it."""

import dataclasses
from typing import Any

import numpy as np

from pixelrnn_tf import layers, models
from tests.support.networks import randomize

IMAGE = (6, 5, 3)


@dataclasses.dataclass(frozen=True)
class Descriptor:
    """How to make an object and what to feed it: the shape of each input, without the batch."""

    cls: type
    arguments: dict[str, Any]
    inputs: tuple[tuple[int, ...], ...]
    levels: int = 0  # Of the first input, if it holds integer levels.
    classes: int = 0  # Of the last input, if it holds labels.
    label: str = ""

    def __str__(self):
        return self.label or self.cls.__name__


def _block(cls):
    arguments = {"hidden": 4, "channels": 3, "residual": False, "condition_features": 2}
    return Descriptor(cls, arguments, ((6, 5, 8), (6, 5, 2)))


def _model(block, condition_features, classes=0, output="softmax"):
    arguments = {
        "image_shape": IMAGE,
        "levels": 7,
        "block": block,
        "num_blocks": 2,
        "hidden": 4,
        "head_hidden": 6,
        "residual": condition_features == 0,
        "skips": condition_features == 0,
        "condition_features": condition_features,
        "conditioner": layers.LabelEmbedding(classes, condition_features) if classes else None,
        "output": output,
        "mixtures": 2,
        "inputs": "levels",
    }
    inputs = (IMAGE,) if condition_features == 0 else (IMAGE, () if classes else (6, 5, condition_features))
    kind = "labelled" if classes else "conditioned" if condition_features else "plain"
    kind = kind if output == "softmax" else output
    return Descriptor(models.PixelRNN, arguments, inputs, levels=7, classes=classes, label=f"PixelRNN-{block}-{kind}")


LSTM = {"hidden": 4, "channels": 3, "condition_features": 2}

LAYERS = [
    Descriptor(
        layers.MaskedConv2D,
        {
            "filters": 8,
            "kernel_size": (3, 5),
            "mask_type": "A",
            "channels": 3,
            "gates": 2,
            "bias_initializer": layers.ForgetGateOnes(runs=1),
            "condition_features": 2,
            "activation": "tanh",
            "use_bias": True,
            "kernel_initializer": "he_normal",
            "pre_activation": "relu",
        },
        ((6, 5, 3), (6, 5, 2)),
    ),
    Descriptor(layers.RowLSTM, LSTM, ((6, 5, 8), (6, 5, 2))),
    Descriptor(layers.DiagonalBiLSTM, LSTM, ((6, 5, 8), (6, 5, 2))),
    *[_block(cls) for cls in layers.BLOCKS.values()],
    *[
        Descriptor(
            layers.Head,
            {"levels": 5, "hidden": 6, "channels": 3, "output": output, "mixtures": 2},
            ((6, 5, 8),),
            label=f"Head-{output}",
        )
        for output in layers.OUTPUTS
    ],
    Descriptor(layers.GivenMap, {"features": 2, "name": "given"}, ((6, 5, 2),)),
    Descriptor(
        layers.Upsampler,
        {"image_shape": [3, 4, 3], "levels": 5, "factor": 6, "features": 3},
        ((3, 4, 3),),
        levels=5,
    ),
    Descriptor(
        layers.LabelEmbedding, {"num_classes": 5, "features": 3, "class_names": list("edcba")}, ((),), classes=5
    ),
    Descriptor(layers.VectorEmbedding, {"size": 2, "features": 3, "low": -5.0, "high": [5.0, 6.0]}, ((2,),)),
    Descriptor(layers.CodeEmbedding, {"codes": 5, "features": 3, "channels": 3}, ((6, 5, 3),), levels=5),
]
MODELS = [_model(block, features) for block in layers.BLOCKS for features in (0, 2)]
MODELS.append(_model("diagonal_bilstm", 4, classes=5))
MODELS += [_model("pixel_cnn", 0, output=output) for output in layers.OUTPUTS if output != "softmax"]
CODES = _model("pixel_cnn", 4)
MODELS.append(
    dataclasses.replace(
        CODES,
        arguments={
            **CODES.arguments,
            "inputs": "codes",
            "conditioner": layers.VectorEmbedding(2, 4, low=(-5, -6), high=(5, 6)),
        },
        inputs=(IMAGE, (2,)),
        label="PixelRNN-pixel_cnn-codes",
    )
)
MODELS.append(
    Descriptor(
        models.MultiScalePixelRNN,
        {
            "image_shape": (6, 4, 3),
            "levels": 7,
            "scales": (3, 6),
            "block": "row_lstm",
            "num_blocks": 1,
            "hidden": 4,
            "head_hidden": 6,
            "residual": False,
            "skips": False,
            "upsampler_features": 3,
            "output": "softmax",
            "mixtures": 2,
        },
        ((6, 4, 3),),
        levels=7,
    )
)

# Public names that are neither layers nor models, so that a new one must be put on a list.
OTHER = {
    "BLOCKS",
    "OUTPUTS",
    "LogisticMixture",
    "MixtureBias",
    "OutputDistribution",
    "Softmax",
    "ConditionFormat",
    "Conditioner",
    "ForgetGateOnes",
    "ImageModel",
    "Muon",
    "feature_groups",
    "gated_feature_groups",
    "kernel_mask",
    "scan",
    "skew",
    "unskew",
    "BitsPerDim",
    "NegativeLogLikelihood",
    "PRESETS",
    "PaperScore",
    "Preset",
    "bits_per_dim",
    "class_log_probs",
    "classify",
    "log_prob",
    "log_prob_by_scale",
    "log_prob_map",
    "marginal_log_prob",
    "count_parameters",
    "get_preset",
    "negative_log_likelihood",
    "predict_classes",
}


def make(descriptor, **arguments):
    layer = descriptor.cls(**descriptor.arguments, **arguments)
    inputs = make_inputs(descriptor)
    layer(*inputs)
    return randomize(layer), inputs


def make_inputs(descriptor, batch=3, seed=0):
    """The arguments of one call: a model takes its inputs as one list, a layer one by one."""
    rng = np.random.default_rng(seed)
    values = [rng.normal(size=(batch, *shape)).astype("float32") for shape in descriptor.inputs]
    if descriptor.classes:
        values[-1] = np.resize(rng.permutation(descriptor.classes), batch).astype("int32")
    if descriptor.levels:
        values[0] = rng.integers(0, descriptor.levels, values[0].shape).astype("uint8")
        return [values if len(values) > 1 else values[0]]
    return values
