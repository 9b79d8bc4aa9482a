"""What a `model.py` imports as `pb_utils`: tensors, requests, responses, errors, metrics, log, model control."""

from nereid_stub import runtime as _runtime
from nereid_stub.bls import InferenceRequest, ResponseIterator, is_model_ready, load_model, unload_model
from nereid_stub.errors import TritonError, TritonModelException
from nereid_stub.logger import Logger
from nereid_stub.memory import MemoryType, PreferredMemory
from nereid_stub.metrics import Metric, MetricFamily, MetricKind
from nereid_stub.model_config import ModelConfig
from nereid_stub.request import (
    TRITONSERVER_REQUEST_FLAG_SEQUENCE_END,
    TRITONSERVER_REQUEST_FLAG_SEQUENCE_START,
    TRITONSERVER_REQUEST_RELEASE_ALL,
    TRITONSERVER_REQUEST_RELEASE_RESCHEDULE,
    InferenceTrace,
)
from nereid_stub.response import (
    TRITONSERVER_RESPONSE_COMPLETE_FINAL,
    InferenceResponse,
    InferenceResponseSender,
)
from nereid_stub.tensors import (
    DATATYPES,
    Tensor,
    decode_strings,
    encode_strings,
    numpy_to_triton_name,
    triton_to_numpy_type,
)

TRITONSERVER_MEMORY_CPU = MemoryType.TRITONSERVER_MEMORY_CPU
TRITONSERVER_MEMORY_GPU = MemoryType.TRITONSERVER_MEMORY_GPU
TRITON_STRING_TO_NUMPY = {f"TYPE_{name}": triton_to_numpy_type(name) for name in (*DATATYPES[:-1], "STRING")}

__all__ = [
    "InferenceRequest",
    "InferenceResponse",
    "InferenceResponseSender",
    "InferenceTrace",
    "Logger",
    "MemoryType",
    "Metric",
    "MetricFamily",
    "MetricKind",
    "ModelConfig",
    "PreferredMemory",
    "ResponseIterator",
    "TRITONSERVER_MEMORY_CPU",
    "TRITONSERVER_MEMORY_GPU",
    "TRITONSERVER_REQUEST_FLAG_SEQUENCE_END",
    "TRITONSERVER_REQUEST_FLAG_SEQUENCE_START",
    "TRITONSERVER_REQUEST_RELEASE_ALL",
    "TRITONSERVER_REQUEST_RELEASE_RESCHEDULE",
    "TRITONSERVER_RESPONSE_COMPLETE_FINAL",
    "TRITON_STRING_TO_NUMPY",
    "Tensor",
    "TritonError",
    "TritonModelException",
    "deserialize_bytes_tensor",
    "get_input_config_by_name",
    "get_input_tensor_by_name",
    "get_model_dir",
    "get_output_config_by_name",
    "get_output_tensor_by_name",
    "is_model_ready",
    "load_model",
    "numpy_to_triton_type",
    "serialize_byte_tensor",
    "triton_string_to_numpy",
    "triton_to_numpy_type",
    "unload_model",
    "using_decoupled_model_transaction_policy",
]


def get_input_tensor_by_name(inference_request, name):
    """The input of that name; None when it is optional and was left out."""
    return _by_name(inference_request.inputs(), name)


def get_output_tensor_by_name(inference_response, name):
    """The output of that name; None when the response has none."""
    return _by_name(inference_response.output_tensors(), name)


def get_input_config_by_name(model_config, name):
    """The entry of an input in a configuration (a dict); None when there is none."""
    return _config_by_name(model_config, "input", name)


def get_output_config_by_name(model_config, name):
    """The entry of an output in a configuration (a dict); None when there is none."""
    return _config_by_name(model_config, "output", name)


def numpy_to_triton_type(data_type):
    """The number of the datatype of a numpy type, as Triton counts them: 1 for BOOL up to 13 for BYTES."""
    return DATATYPES.index(numpy_to_triton_name(data_type)) + 1


def triton_string_to_numpy(triton_type_string):
    """The numpy type of `TYPE_FP32` and the like."""
    return triton_to_numpy_type(triton_type_string)


def using_decoupled_model_transaction_policy(model_config):
    """Whether a configuration (a dict) makes the model decoupled."""
    return bool((model_config.get("model_transaction_policy") or {}).get("decoupled", False))


def get_model_dir():
    """Folder of the version of this model: where its `model.py` lies."""
    return _runtime.current().model_dir


def serialize_byte_tensor(input_tensor):
    """The bytes of a BYTES tensor as a numpy array of one element."""
    import numpy

    if input_tensor.size == 0:
        return numpy.empty([0], dtype=numpy.object_)
    return numpy.array(encode_strings(input_tensor), dtype=numpy.object_)


def deserialize_bytes_tensor(encoded_tensor):
    """The elements of a BYTES tensor, from its bytes, as a flat numpy array."""
    import numpy

    return numpy.array(decode_strings(encoded_tensor), dtype=numpy.object_)


def _by_name(tensors, name):
    for tensor in tensors:
        if tensor.name() == name:
            return tensor
    return None


def _config_by_name(model_config, kind, name):
    for tensor in model_config.get(kind, ()):
        if tensor["name"] == name:
            return tensor
    return None
