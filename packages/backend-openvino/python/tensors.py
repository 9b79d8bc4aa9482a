"""Inputs and outputs of a model: their names and datatypes, and their values on the way from and to numpy."""

import numpy as np
import openvino as ov
from nereid_backend import Bfloat16Bits

_DATATYPES = {
    "boolean": "BOOL",
    **{f"{short}{bits}": f"{name}{bits}" for short, name in (("i", "INT"), ("u", "UINT")) for bits in (8, 16, 32, 64)},
    **{f"f{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "bf16": "BF16",
    "string": "STRING",
}


def name_of(port):
    """A name of an input or output; ONNX and IR give each its own."""
    names = port.get_names()
    return min(names) if names else port.get_node().get_friendly_name()


def element_type(datatype):
    """OpenVINO's type for `TYPE_FP32` and the like, but not for strings."""
    short = next(short for short, name in _DATATYPES.items() if f"TYPE_{name}" == datatype)
    return getattr(ov.Type, short)


def datatype_of(port):
    """`TYPE_FP32` and the like. Raises ValueError naming a type that tensors of models can't have."""
    found = port.element_type.get_type_name()
    if found not in _DATATYPES:
        raise ValueError(f"'{name_of(port)}' is of OpenVINO's type {found}, which is no datatype of a tensor")
    return f"TYPE_{_DATATYPES[found]}"


def find_port(ports, name, what):
    """The input or output that has a name. Raises ValueError saying which there are."""
    for port in ports:
        if name in port.get_names() or name == name_of(port):
            return port
    raise ValueError(f"the model has no {what} '{name}', it has {', '.join(map(name_of, ports))}")


def to_openvino(array):
    """An input of a request; its memory is used, not copied, where OpenVINO can."""
    if array.dtype == np.object_:
        return ov.Tensor(np.array([_text(value) for value in array.reshape(-1)]).reshape(array.shape))
    if isinstance(array, Bfloat16Bits):
        return ov.Tensor(np.array(array.view(np.ndarray)), list(array.shape), ov.Type.bf16)
    return ov.Tensor(np.asarray(array, order="C"))


def to_numpy(tensor):
    """An output of a request, as a copy: OpenVINO writes the next one into the same memory. A scalar has one dimension of 1."""
    kind = tensor.element_type.get_type_name()
    if kind == "string":
        array = tensor.str_data.astype(np.object_)
    elif kind == "bf16":
        array = tensor.data.view(np.uint16).copy().view(Bfloat16Bits)
    else:
        array = tensor.data.copy()
    return array.reshape(1) if array.ndim == 0 else array


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)
