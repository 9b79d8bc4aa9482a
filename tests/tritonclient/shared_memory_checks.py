"""System shared memory with tritonclient's own utilities."""

import base64
from contextlib import contextmanager

import numpy as np
import tritonclient.utils.shared_memory as shm
from checks import check_both, expect
from session import MODULES, SAMPLES, as_dict, error_of, expect_same
from tritonclient.utils import np_to_triton_dtype, serialized_byte_size, serialize_byte_tensor

KEY = "/nereid_tritonclient"


@contextmanager
def region(session, kind, byte_size, name="region"):
    """A new object that is registered as a region, both gone afterwards."""
    client = session.clients[kind]
    handle = shm.create_shared_memory_region(name, f"{KEY}_{kind}", byte_size)
    try:
        client.register_system_shared_memory(name, f"{KEY}_{kind}", byte_size)
        yield handle
    finally:
        client.unregister_system_shared_memory(name)
        shm.destroy_shared_memory_region(handle)


def shared_input(kind, name, array, offset=0, datatype=None):
    """An InferInput of the array's shape whose values lie in the region."""
    datatype = datatype or np_to_triton_dtype(array.dtype)
    tensor = MODULES[kind].InferInput(name, list(array.shape), datatype)
    tensor.set_shared_memory("region", byte_size_of(array), offset=offset)
    return tensor


def shared_output(kind, name, byte_size, offset):
    output = MODULES[kind].InferRequestedOutput(name)
    output.set_shared_memory("region", byte_size, offset=offset)
    return output


def byte_size_of(array):
    return serialized_byte_size(serialize_byte_tensor(array)) if array.dtype == np.object_ else array.nbytes


def regions(session, kind):
    status = as_dict(kind, session.clients[kind].get_system_shared_memory_status())
    return status if kind == "http" else list(status["regions"].values())


@check_both("shared memory: every datatype in and out of a region")
def round_trips(session, kind):
    with region(session, kind, 4096) as handle:
        for datatype, array in SAMPLES.items():
            model = f"identity_{datatype.lower()}"
            shm.set_shared_memory_region(handle, [serialize_byte_tensor(array) if datatype == "BYTES" else array])
            size = byte_size_of(array)
            result = session.clients[kind].infer(
                model, [shared_input(kind, "X", array)], outputs=[shared_output(kind, "Y", size, 2048)]
            )
            output = as_dict(kind, result.get_output("Y"))
            expect([int(dimension) for dimension in output["shape"]], list(array.shape))
            expect_same(shm.get_contents_as_numpy(handle, array.dtype, list(array.shape), offset=2048), array)


@check_both("shared memory: one input from a region, one from the body, one output each way")
def mixed(session, kind):
    a = np.array([[1, 2, 3, 4]], np.float32)
    b = MODULES[kind].InferInput("B", [1, 4], "FP32")
    b.set_data_from_numpy(a * 10)
    with region(session, kind, 64) as handle:
        shm.set_shared_memory_region(handle, [a], offset=16)
        outputs = [shared_output(kind, "SUM", 16, 32), MODULES[kind].InferRequestedOutput("DIFFERENCE")]
        result = session.clients[kind].infer("add_sub", [shared_input(kind, "A", a, 16), b], outputs=outputs)
        expect_same(shm.get_contents_as_numpy(handle, np.float32, [1, 4], offset=32), a * 11)
        expect_same(result.as_numpy("DIFFERENCE"), a * -9)


@check_both("shared memory: status, and register twice")
def status(session, kind):
    client = session.clients[kind]
    with region(session, kind, 64):
        (entry,) = regions(session, kind)
        expect((entry["name"], entry["key"]), ("region", f"{KEY}_{kind}"))
        expect((int(entry["offset"]), int(entry["byte_size"])), (0, 64))
        error = error_of(lambda: client.register_system_shared_memory("region", f"{KEY}_{kind}", 64))
        expect(error.status(), {"http": "400", "grpc": "StatusCode.ALREADY_EXISTS"}[kind])
        client.unregister_system_shared_memory()
        expect(regions(session, kind), [])
        client.unregister_system_shared_memory("region")


@check_both("shared memory: an output that does not fit, a place outside, an unknown region")
def refused(session, kind):
    a = np.ones((1, 4), np.float32)
    inputs = [shared_input(kind, "A", a), shared_input(kind, "B", a)]
    infer = session.clients[kind].infer
    with region(session, kind, 64):
        small = error_of(lambda: infer("add_sub", inputs, outputs=[shared_output(kind, "SUM", 8, 32)]))
        expect(small.status(), {"http": "500", "grpc": "StatusCode.INTERNAL"}[kind])
        expect("should be at least 16 bytes" in small.message(), True)
        outside = error_of(lambda: infer("add_sub", inputs, outputs=[shared_output(kind, "SUM", 16, 60)]))
        expect(outside.status(), {"http": "400", "grpc": "StatusCode.INVALID_ARGUMENT"}[kind])
    unknown = error_of(lambda: infer("add_sub", inputs))
    expect(unknown.status(), {"http": "404", "grpc": "StatusCode.NOT_FOUND"}[kind])


@check_both("shared memory: CUDA regions are refused")
def cuda(session, kind):
    client = session.clients[kind]
    handle = base64.b64encode(b"x" * 64).decode()
    error = error_of(lambda: client.register_cuda_shared_memory("c", handle, 0, 64))
    expect(error.status(), {"http": "400", "grpc": "StatusCode.INVALID_ARGUMENT"}[kind])
    expect(error.message(), "failed to register CUDA shared memory region: 'c', GPUs not supported")
    client.unregister_cuda_shared_memory("c")
