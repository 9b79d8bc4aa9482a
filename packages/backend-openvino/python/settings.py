"""What `parameters` of a model's configuration change in OpenVINO. Names and values are Triton's."""

import openvino.properties as properties
import openvino.properties.hint as hint
import triton_python_backend_utils as pb_utils
from nereid_backend import Parameter, read_parameters, warn_of_unused_parameters
from openvino import Type

_HINTS = ("LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT")
_PRECISIONS = ("f32", "bf16", "f16")
_PARAMETERS = {
    "CPU_EXTENSION_PATH": Parameter(str),
    "PERFORMANCE_HINT": Parameter(str, one_of=_HINTS, any_case=True),
    "INFERENCE_NUM_THREADS": Parameter(int, minimum=0),
    "COMPILATION_NUM_THREADS": Parameter(int, minimum=0),
    "HINT_BF16": Parameter(bool),
    "INFERENCE_PRECISION_HINT": Parameter(str, one_of=_PRECISIONS, any_case=True),
    "NUM_STREAMS": Parameter(str),
    "SKIP_OV_DYNAMIC_BATCHSIZE": Parameter(bool, default=False),
    "ENABLE_BATCH_PADDING": Parameter(bool, default=False),
    "RESHAPE_IO_LAYERS": Parameter(bool, default=False),
    "TARGET_DEVICE": Parameter(str, default="CPU"),
}


def read_settings(config):
    """The parameters by name. Raises an error naming the one that is wrong."""
    settings = read_parameters(config, _PARAMETERS)
    streams = settings["NUM_STREAMS"]
    if streams is not None and streams.upper() not in ("AUTO", "NUMA") and not streams.isdecimal():
        raise ValueError(
            f"model '{config['name']}', parameter 'NUM_STREAMS': expected AUTO, NUMA or a whole number, found '{streams}'"
        )
    return settings


def warn_of_unused(config):
    """Says in the log which parameters change nothing."""
    warn_of_unused_parameters(config, _PARAMETERS)


def compile_properties(core, device, config, settings):
    """What `compile_model` is told. The log warns of parameters that the device has not: of CPU it is COMPILATION_NUM_THREADS."""
    streams = settings["NUM_STREAMS"]
    values = {
        "INFERENCE_NUM_THREADS": (properties.inference_num_threads, settings["INFERENCE_NUM_THREADS"]),
        "COMPILATION_NUM_THREADS": (properties.compilation_num_threads, settings["COMPILATION_NUM_THREADS"]),
        "NUM_STREAMS": (properties.streams.num, None if streams is None else streams.upper()),
        "PERFORMANCE_HINT": (hint.performance_mode, settings["PERFORMANCE_HINT"]),
        "INFERENCE_PRECISION_HINT": (hint.inference_precision, _precision(settings)),
    }
    known = _supported(core, device)
    for name, (key, value) in values.items():
        if value is not None and known is not None and key() not in known:
            pb_utils.Logger.log_warn(f"model '{config['name']}': parameter '{name}' has no effect: device {device} has no {key()}")
    return {key: value for key, value in values.values() if value is not None and (known is None or key() in known)}


def _precision(settings):
    """What is computed with; None: OpenVINO decides, for bfloat16 where the CPU has it."""
    if settings["HINT_BF16"] is not None:
        return Type.bf16 if settings["HINT_BF16"] else Type.f32
    name = settings["INFERENCE_PRECISION_HINT"]
    return None if name is None else getattr(Type, name)


def _supported(core, device):
    """Names of the properties of a device; None of one that stands for others, as `AUTO`, or is not there."""
    return set(core.get_property(device, properties.supported_properties)) if device in core.available_devices else None


def describe_compiled(compiled):
    """The properties that OpenVINO has come to, for the log."""
    names = (hint.performance_mode, hint.inference_precision, properties.inference_num_threads, properties.streams.num)
    known = set(compiled.get_property(properties.supported_properties))
    return ", ".join(f"{name()} {compiled.get_property(name)}" for name in names if name() in known)
