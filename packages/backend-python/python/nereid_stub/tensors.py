"""Tensors: datatypes, their numpy types, and their bytes on the way between server and model."""

import json
import struct

import numpy as np

from . import dlpack
from .errors import TritonError, TritonModelException

_NUMPY = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
# In the order of Triton's numbers, which begin at 1.
DATATYPES = tuple(_NUMPY)
_NAMES = {np.dtype(kind): name for name, kind in _NUMPY.items() if name != "BYTES"}
_DTYPES = {name: np.dtype(kind) for name, kind in _NUMPY.items()}
_LENGTH = struct.Struct("<I")
# Up to so many bytes a copy costs less than a view.
_COPY = 1 << 12


def triton_to_numpy_type(datatype):
    """The numpy type of a datatype: its name with or without `TYPE_`, or Triton's number. None for BF16."""
    if isinstance(datatype, int):
        datatype = DATATYPES[datatype - 1] if 0 < datatype <= len(DATATYPES) else ""
    name = datatype.removeprefix("TYPE_")
    return _NUMPY.get("BYTES" if name == "STRING" else name)


def numpy_to_triton_name(dtype):
    """The datatype of a numpy type. Raises ValueError for a type that models can't have."""
    dtype = np.dtype(dtype)
    if dtype.kind in "OSU":
        return "BYTES"
    name = _NAMES.get(dtype)
    if name is None:
        raise ValueError(f"numpy type '{dtype}' is no datatype of a tensor, expected one of {', '.join(_DTYPES)}")
    return name


class Tensor:
    """A named tensor. `Tensor(name, array)`; arrays that are not contiguous are copied."""

    __slots__ = ("_name", "_datatype", "_shape", "_array", "_bytes")

    def __init__(self, name, numpy_array):
        if not isinstance(numpy_array, np.ndarray):
            raise TypeError(f"tensor '{name}': expected a numpy array, found {type(numpy_array).__name__}")
        if not name:
            raise TritonModelException("Tensor name cannot be an empty string.", TritonError.INVALID_ARG)
        self._name = name
        self._datatype = _NAMES.get(numpy_array.dtype) or numpy_to_triton_name(numpy_array.dtype)
        self._shape = numpy_array.shape
        self._array = numpy_array
        self._bytes = None

    @classmethod
    def _received(cls, name, datatype, shape, data):
        """A tensor of the server. Its bytes are decoded when they are first looked at."""
        tensor = cls.__new__(cls)
        tensor._name = name
        tensor._datatype = datatype
        tensor._shape = tuple(shape)
        tensor._array = None
        tensor._bytes = data
        return tensor

    @staticmethod
    def from_dlpack(name, tensor):
        """A tensor from a DLPack capsule or whatever has `__dlpack__`, in the CPU's memory (PyTorch, JAX, numpy)."""
        array, is_bfloat = dlpack.to_numpy(tensor)
        if not is_bfloat:
            return Tensor(name, array)
        # Its bytes travel as they are.
        return Tensor._received(name, "BF16", array.shape, np.ascontiguousarray(array).tobytes())

    def to_dlpack(self):
        """A DLPack capsule, for example for `torch.utils.dlpack.from_dlpack`."""
        return self.__dlpack__()

    def __dlpack__(self, **options):
        if self._datatype == "BF16":
            # A copy: that of the request must not be changed.
            return dlpack.to_bfloat_capsule(np.frombuffer(self._bytes or b"", np.uint16).reshape(self._shape).copy())
        return _writable(self.as_numpy()).__dlpack__(**options)

    def __dlpack_device__(self):
        return dlpack.CPU

    def name(self):
        return self._name

    def triton_dtype(self):
        return self._datatype

    def shape(self):
        return list(self._shape)

    def is_cpu(self):
        return True

    def as_numpy(self):
        """The values. Those of an input must not be kept beyond the request unless they are copied."""
        if self._array is None:
            self._array = self._decode()
        return self._array

    def _decode(self):
        if self._datatype == "BYTES":
            return np.array(decode_strings(self._bytes), dtype=np.object_).reshape(self._shape)
        dtype = _DTYPES.get(self._datatype)
        if dtype is None:
            raise TypeError(f"tensor '{self._name}' is {self._datatype}, which numpy does not have: use to_dlpack()")
        if self._bytes is None:
            return np.empty(self._shape, dtype)
        return np.frombuffer(self._bytes, dtype).reshape(self._shape)

    def _encode(self):
        """The bytes of the tensor: a bytes-like object."""
        if self._bytes is not None:
            return self._bytes
        if self._array is None:
            return b""
        if self._datatype == "BYTES":
            return encode_strings(self._array)
        if self._array.nbytes <= _COPY:
            return self._array.tobytes()
        return memoryview(np.ascontiguousarray(self._array).reshape(-1).view(np.uint8))


def _writable(array):
    return array if array.flags.writeable else array.copy()


def decode_strings(data):
    """The elements of a BYTES tensor: each has its length in front, 4 bytes, little-endian."""
    strings, at, size = [], 0, 0 if data is None else len(data)
    while at < size:
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        strings.append(bytes(data[at : at + length]))
        at += length
    return strings


def encode_strings(array):
    parts = []
    for value in array.reshape(-1):
        text = value if isinstance(value, bytes) else str(value).encode()
        parts.append(_LENGTH.pack(len(text)))
        parts.append(text)
    return b"".join(parts)


def pack(tensors, buffers):
    """Describes tensors for a header, as JSON text, and adds their bytes to `buffers`."""
    described = []
    for tensor in tensors:
        data = tensor._encode()
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        if size > 0:
            buffers.append(data)
        described.append(f"{_text_of(tensor._name, tensor._datatype, tensor._shape)}{size}]")
    return f"[{','.join(described)}]"


# Models answer with the same names and shapes again and again: text is kept, as much as this.
_TEXTS_KEPT = 512
_texts = {}


def _text_of(name, datatype, shape):
    """A description up to the byte size."""
    key = (name, datatype, shape)
    text = _texts.get(key)
    if text is None:
        if len(_texts) >= _TEXTS_KEPT:
            _texts.clear()
        text = _texts[key] = f"{json.dumps([name, datatype, list(shape)])[:-1]},"
    return text


def unpack(described, data, at, borrow=None):
    """The tensors that a header describes, views on `data` from byte `at` on, and the byte behind them.

    Those that are lent are taken by `borrow(loan, size)`.
    """
    tensors = []
    for name, datatype, shape, size, *loan in described:
        if loan:
            tensors.append(Tensor._received(name, datatype, shape, borrow(loan[0], size)))
            continue
        tensors.append(Tensor._received(name, datatype, shape, data[at : at + size] if size > 0 else None))
        at += size
    return tensors, at
