"""What all checks use: the clients, and tensors in the words of either client."""

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.grpc.aio as grpcaio
import tritonclient.http as httpclient
import tritonclient.http.aio as httpaio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

MODULES = {"http": httpclient, "grpc": grpcclient}
AIO_MODULES = {"http": httpaio, "grpc": grpcaio}

# A tensor of shape [2, 3] for each datatype.
SAMPLES = {
    "BOOL": np.array([[True, False, True], [False, False, True]]),
    "UINT8": np.array([[0, 1, 2], [3, 4, 255]], np.uint8),
    "UINT16": np.array([[0, 1, 2], [3, 4, 65535]], np.uint16),
    "UINT32": np.array([[0, 1, 2], [3, 4, 2**32 - 1]], np.uint32),
    "UINT64": np.array([[0, 1, 2], [3, 4, 2**64 - 1]], np.uint64),
    "INT8": np.array([[0, 1, -1], [3, -128, 127]], np.int8),
    "INT16": np.array([[0, 1, -1], [3, -32768, 32767]], np.int16),
    "INT32": np.array([[0, 1, -1], [3, -(2**31), 2**31 - 1]], np.int32),
    "INT64": np.array([[0, 1, -1], [3, -(2**63), 2**63 - 1]], np.int64),
    "FP16": np.array([[0, 1.5, -1], [3, 65504, 6e-5]], np.float16),
    "FP32": np.array([[0, 1.5, -1], [3, 3.4e38, 1e-38]], np.float32),
    "FP64": np.array([[0, 1.5, -1], [3, 1.7e308, 2e-308]], np.float64),
    "BYTES": np.array([["", "a", "zwölf"], ["日本", "\u263a", "x" * 300]], np.object_),
}


class Session:
    """The server under test and one client of each synchronous kind."""

    def __init__(self, http, grpc, repository):
        self.addresses = {"http": http, "grpc": grpc}
        self.repository = repository
        self.clients = {
            "http": httpclient.InferenceServerClient(http, concurrency=8),
            "grpc": grpcclient.InferenceServerClient(grpc),
        }

    def aio(self, kind):
        """A new client for asyncio, to be used with `async with`."""
        return AIO_MODULES[kind].InferenceServerClient(self.addresses[kind])


def make_input(kind, name, array, datatype=None, **options):
    """An InferInput with the array's values; `binary_data` is for HTTP only."""
    tensor = MODULES[kind].InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, **options)
    return tensor


def add_sub_inputs(kind, rows=1, **options):
    """The inputs of the model add_sub: A counts up, B is all ones."""
    a = np.arange(4 * rows, dtype=np.float32).reshape(rows, 4)
    return [make_input(kind, "A", a, **options), make_input(kind, "B", np.ones_like(a), **options)]


def int_input(kind, values, shape=None):
    """INPUT0 of the models of the identity backend."""
    array = np.array(values, np.int32)
    return [make_input(kind, "INPUT0", array if shape is None else array.reshape(shape))]


def expect_same(found, expected):
    """Fails unless two arrays are equal; JSON gives strings as text, the binary form as bytes."""
    if found is None or found.shape != expected.shape or _values(found) != _values(expected):
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def _values(array):
    return [value.decode() if isinstance(value, bytes) else value for value in array.reshape(-1).tolist()]


def error_of(action):
    """The InferenceServerException that an action raises."""
    try:
        result = action()
    except InferenceServerException as error:
        return error
    raise AssertionError(f"expected an error, got {result!r}")


def as_dict(kind, answer):
    """An answer with the field names of the protocol, from JSON or a protobuf message."""
    if kind == "http":
        return answer
    from google.protobuf import json_format

    return json_format.MessageToDict(
        answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
