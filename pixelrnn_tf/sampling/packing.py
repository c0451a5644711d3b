"""Many small tensors as one, for the loops of generation."""

from keras import ops, tree

from pixelrnn_tf.typing import Structure, Tensor


class Packing:
    """Puts all tensors of a structure into one along their last axis, since every slice of a loop has a cost.

    Args:
        example: the structure; its tensors have the same axes but for the last, whose size is static.

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
        """The tensors of a structure like the example, along the last axis of one."""
        return ops.concatenate(tree.flatten(structure), axis=-1)

    def unpack(self, packed: Tensor) -> Structure:
        """The structure again."""
        ends = [sum(self.sizes[: k + 1]) for k in range(len(self.sizes) - 1)]
        parts = ops.split(packed, ends, axis=-1) if ends else [packed]
        return tree.pack_sequence_as(self.structure, parts)
