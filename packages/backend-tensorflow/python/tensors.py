"""Inputs and outputs of a signature: what it says of them, and their values on the way from and to TensorFlow."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from nereid_backend import Bfloat16Bits

_DATATYPES = {
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "bfloat16": "BF16",
    "string": "STRING",
}


@dataclass(frozen=True)
class ModelTensor:
    """An input or output of a signature."""

    name: str
    graph_name: str
    """What the graph calls it."""
    datatype: str
    """`TYPE_FP32` and the like."""
    shape: tuple | None
    """With the batch dimension, if there is one; -1 for any size, None when not even the rank is known."""

    @property
    def may_batch(self):
        """Whether its first dimension may be a batch of any size."""
        return self.shape is None or self.shape[:1] == (-1,)


def read_tensor(name, described, what):
    """The tensor that a TensorInfo describes. what: `input` or `output`, for errors.

    Raises ValueError for one that is not dense, or of a datatype that tensors of models can't have.
    """
    if described.WhichOneof("encoding") != "name":
        raise ValueError(f"{what} '{name}' is sparse, ragged or composite: export a signature with dense tensors")
    kind = tf.dtypes.as_dtype(described.dtype).name
    if kind not in _DATATYPES:
        raise ValueError(f"{what} '{name}' is of TensorFlow's type {kind}, which is no datatype of a tensor")
    shape = described.tensor_shape
    sizes = None if shape.unknown_rank else tuple(dimension.size for dimension in shape.dim)
    return ModelTensor(name, described.name, f"TYPE_{_DATATYPES[kind]}", sizes)


def to_tensorflow(tensor, array):
    """An input of a request as the signature takes it."""
    if isinstance(array, Bfloat16Bits):
        array = array.view(np.ndarray).view(tf.bfloat16.as_numpy_dtype)
    # No configuration has empty dims: a scalar is one dimension of 1 there.
    return array.reshape(()) if tensor.shape == () else array


def to_numpy(tensor, value):
    """An output for a response. A scalar comes from TensorFlow as a Python or numpy value."""
    array = np.asarray(value, dtype=np.object_ if tensor.datatype == "TYPE_STRING" else None)
    if tensor.datatype == "TYPE_BF16":
        array = array.view(np.uint16).view(Bfloat16Bits)
    return array.reshape(1) if tensor.shape == () else array
