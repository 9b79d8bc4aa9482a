"""DLPack capsules: tensors of other libraries, without a copy. numpy does the work but for bfloat16, which it lacks.

A bfloat16 tensor goes through numpy as uint16; only its type, in the capsule, is changed.
"""

import ctypes
import sys

import numpy as np

CPU = (1, 0)
# Of a DLTensor, which a capsule points to: a pointer to the data, then two int32 for the device, and one for the
# number of dimensions, stand before the type, whose first byte is its kind.
_DEVICE_TYPE = ctypes.sizeof(ctypes.c_void_p)
_KIND = _DEVICE_TYPE + 12
_UNSIGNED, _BFLOAT = 1, 4
_NAME = b"dltensor"
# Of CUDA and ROCm there is memory of the CPU that is pinned, or managed.
_HOST_MEMORY = (CPU[0], 3, 11)
# Who makes a tensor on a GPU has imported one of them.
_COPIES = {"torch": lambda tensor: tensor.cpu(), "cupy": lambda array: array.get()}

_get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_get_pointer.restype = ctypes.c_void_p
_get_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


class _Holder:
    """A capsule, as what `numpy.from_dlpack` takes."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return CPU


def to_numpy(source):
    """The array of a capsule or of what has `__dlpack__`, and whether it stands for bfloat16 (as uint16).

    What is on a GPU is copied, by the library that it comes from. Raises TypeError for anything else, BufferError for
    what that library can't copy.
    """
    source = _on_cpu(source)
    is_capsule = type(source).__name__ == "PyCapsule"
    if not is_capsule:
        if not hasattr(source, "__dlpack__"):
            raise TypeError(f"{type(source).__name__} is no DLPack capsule and has no __dlpack__")
        if "bfloat16" not in str(getattr(source, "dtype", "")):
            return np.from_dlpack(source), False
        source = source.__dlpack__()
    tensor = _get_pointer(source, _NAME)
    kind = ctypes.c_uint8.from_address(tensor + _KIND)
    is_bfloat = kind.value == _BFLOAT
    if is_bfloat:
        kind.value = _UNSIGNED
    return np.from_dlpack(_Holder(source)), is_bfloat


def _on_cpu(source):
    if type(source).__name__ == "PyCapsule":
        device = ctypes.c_int32.from_address(_get_pointer(source, _NAME) + _DEVICE_TYPE).value
    else:
        device = source.__dlpack_device__()[0] if hasattr(source, "__dlpack_device__") else CPU[0]
    if device in _HOST_MEMORY:
        return source
    for library, copy in _COPIES.items():
        if library in sys.modules:
            return copy(sys.modules[library].from_dlpack(source))
    raise BufferError(
        f"a tensor on device type {device} can't be read: PyTorch or CuPy copy it, which this model doesn't import; "
        "copy it to the CPU first"
    )


def to_bfloat_capsule(array):
    """A capsule of bfloat16 elements, whose bits an array of uint16 has. The array must be writable."""
    capsule = array.__dlpack__()
    ctypes.c_uint8.from_address(_get_pointer(capsule, _NAME) + _KIND).value = _BFLOAT
    return capsule
