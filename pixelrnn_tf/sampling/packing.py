"""Pack many small tensors into one, for the loops of generation."""

from keras import ops, tree

from pixelrnn_tf.typing import Structure, Tensor


class Packing:
    """Concatenate all tensors of a structure along their last axis, since every slice in a loop has a cost.

    Args:
        example: the structure; its tensors have the same axes except the last, whose size is static.

    Example:

    >>> import numpy as np
    >>> structure = [{"h": np.zeros((2, 3)), "c": np.ones((2, 3))}, {}]
    >>> packing = Packing(structure)
    >>> packed = packing.pack(structure)
    >>> packed.shape
    TensorShape([2, 6])
    >>> packing.unpack(packed)[0]["c"].shape
    TensorShape([2, 3])
    """

    def __init__(self, example: Structure):
        self.structure = tree.map_structure(lambda x: None, example)
        self.sizes = [x.shape[-1] for x in tree.flatten(example)]

    @staticmethod
    def pack(structure: Structure) -> Tensor:
        """Concatenate the tensors of a structure like the example."""
        return ops.concatenate(tree.flatten(structure), axis=-1)

    def unpack(self, packed: Tensor) -> Structure:
        """Restore the structure from a packed tensor."""
        ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes) - 1)]
        parts = ops.split(packed, ends, axis=-1) if ends else [packed]
        return tree.pack_sequence_as(self.structure, parts)
