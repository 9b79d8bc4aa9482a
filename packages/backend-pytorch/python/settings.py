"""What `parameters` of a model's configuration change in PyTorch. Names and meanings are Triton's."""

import json

import torch
from nereid_backend import Parameter, read_parameters, warn_of_unused_parameters

_PARAMETERS = {
    "DISABLE_OPTIMIZED_EXECUTION": Parameter(bool, default=False),
    "INFERENCE_MODE": Parameter(bool, default=True),
    "DISABLE_CUDNN": Parameter(bool, default=False),
    "ENABLE_WEIGHT_SHARING": Parameter(bool, without_effect="each instance is a process with weights of its own"),
    "ENABLE_CACHE_CLEANING": Parameter(bool, default=False),
    "INTER_OP_THREAD_COUNT": Parameter(int, minimum=1),
    "INTRA_OP_THREAD_COUNT": Parameter(int, minimum=1),
    "NUM_INTEROP_THREADS": Parameter(int, minimum=1),
    "NUM_THREADS": Parameter(int, minimum=1),
    "ENABLE_JIT_EXECUTOR": Parameter(bool),
    "ENABLE_JIT_PROFILING": Parameter(bool),
    "ENABLE_TENSOR_FUSER": Parameter(bool),
    "ENABLE_NVFUSER": Parameter(bool, without_effect="PyTorch has no nvFuser any more"),
    "TORCH_COMPILE_OPTIONAL_PARAMETERS": Parameter(str),
    # Ours: a file may have several classes, of which Triton takes the first by the alphabet.
    "MODEL_CLASS": Parameter(str),
}
# Names that Triton has for the same, in its two ways to run PyTorch.
_SYNONYMS = (("NUM_THREADS", "INTRA_OP_THREAD_COUNT"), ("NUM_INTEROP_THREADS", "INTER_OP_THREAD_COUNT"))


def read_settings(config):
    """The parameters by name. Raises an error naming the one that is wrong."""
    settings = read_parameters(config, _PARAMETERS)
    for one, other in _SYNONYMS:
        # One of them alone goes before a setting of the backend, whichever name that has.
        has_both = {one, other} <= config.get("parameters", {}).keys()
        if has_both and settings[one] != settings[other]:
            raise ValueError(
                f"model '{config['name']}': parameters '{one}' and '{other}' mean the same, "
                f"but are {settings[one]} and {settings[other]}: leave one out"
            )
    settings["TORCH_COMPILE_OPTIONAL_PARAMETERS"] = _compile_options(config, settings)
    return settings


def warn_of_unused(config):
    """Says in the log which parameters change nothing."""
    warn_of_unused_parameters(config, _PARAMETERS)


def _compile_options(config, settings):
    text = settings["TORCH_COMPILE_OPTIONAL_PARAMETERS"]
    if text is None:
        return None
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if isinstance(options, dict) and "model" not in options:
        return options
    raise ValueError(
        f"model '{config['name']}', parameter 'TORCH_COMPILE_OPTIONAL_PARAMETERS': expected a JSON object with options of "
        f"torch.compile, found '{text}'"
    )


def apply_to_process(settings):
    """Sets what holds for the whole process, which runs this one instance."""
    intra = settings["NUM_THREADS"] or settings["INTRA_OP_THREAD_COUNT"]
    inter = settings["NUM_INTEROP_THREADS"] or settings["INTER_OP_THREAD_COUNT"]
    if intra is not None:
        torch.set_num_threads(intra)
    if inter is not None:
        torch.set_num_interop_threads(inter)
    if settings["DISABLE_CUDNN"]:
        torch.backends.cudnn.enabled = False
    if settings["ENABLE_JIT_EXECUTOR"] is not None:
        torch._C._jit_set_profiling_executor(settings["ENABLE_JIT_EXECUTOR"])
    if settings["ENABLE_JIT_PROFILING"] is not None:
        torch._C._jit_set_profiling_mode(settings["ENABLE_JIT_PROFILING"])
    if settings["ENABLE_TENSOR_FUSER"] is not None:
        torch._C._jit_set_texpr_fuser_enabled(settings["ENABLE_TENSOR_FUSER"])
