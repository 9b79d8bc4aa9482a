"""Serves PyTorch models: TorchScript, or a module in Python with its weights. One process for each instance."""

import contextlib
import json

import torch
import triton_python_backend_utils as pb_utils
from nereid_backend import answer_in_batches, batch_inputs, instance_gpu, sequence_inputs, sequence_outputs

from .loading import find_model, load_module, load_script
from .settings import apply_to_process, read_settings, warn_of_unused
from .signature import CallPlan, arguments_of, outputs_by_name
from .values import to_numpy, to_torch


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        """PyTorch's files don't say datatypes and shapes: what is missing is named, with what `forward` takes."""
        given = config.as_dict()
        missing = [kind for kind in ("input", "output") if not given.get(kind)]
        if missing:
            model = _load(given, read_settings(given), torch.device("cpu"))
            arguments = ", ".join(f"{one.name}: {one.kind}" for one in arguments_of(model))
            raise ValueError(
                f"model '{given['name']}': the configuration has no {' and no '.join(missing)}. PyTorch models don't say "
                f"datatypes and shapes: add name, data_type and dims of each; forward takes ({arguments})"
            )
        return config

    def initialize(self, args):
        self._config = config = json.loads(args["model_config"])
        self._settings = read_settings(config)
        warn_of_unused(config)
        self._batched = config["max_batch_size"] > 0
        self._outputs = {output["name"]: output for output in config["output"]} | sequence_outputs(config)
        device = _device(args)
        apply_to_process(self._settings)
        model = _load(config, self._settings, device)
        self._device = device if device is not None else _device_of(model)
        inputs = {given["name"]: given["data_type"] for given in config["input"]}
        inputs |= dict.fromkeys(sequence_inputs(config) + batch_inputs(config))
        self._plan = CallPlan(config["name"], inputs, arguments_of(model))
        self._model = _compile(config["name"], model, self._settings)

    def execute(self, requests):
        responses = answer_in_batches(requests, self._run, batched=self._batched, config=self._config)
        if self._settings["ENABLE_CACHE_CLEANING"] and self._device.type == "cuda":
            torch.cuda.empty_cache()
        return responses

    def _run(self, inputs):
        tensors = {name: to_torch(name, array, self._device) for name, array in inputs.items()}
        with self._grad_mode(), self._optimization():
            result = self._call(tensors)
            outputs = outputs_by_name(result, self._outputs)
            return {name: to_numpy(name, value, self._outputs[name], self._batched) for name, value in outputs.items()}

    def _call(self, tensors):
        try:
            return self._plan.call(self._model, tensors)
        except (RuntimeError, torch.jit.Error) as error:
            # Before what was raised stands where in the code of TorchScript that was, which the verbose log has.
            if "Traceback of TorchScript" not in str(error):
                raise
            *_, raised = filter(str.strip, str(error).splitlines())
            raise pb_utils.TritonModelException(raised.strip()) from error

    def _grad_mode(self):
        return torch.inference_mode() if self._settings["INFERENCE_MODE"] else torch.no_grad()

    def _optimization(self):
        if not self._settings["DISABLE_OPTIMIZED_EXECUTION"]:
            return contextlib.nullcontext()
        return torch.jit.optimized_execution(False)


def _load(config, settings, device):
    path, weights = find_model(pb_utils.get_model_dir(), config["default_model_filename"])
    if path.endswith(".py"):
        return load_module(path, weights, settings["MODEL_CLASS"], device)
    libraries = (config.get("model_operations") or {}).get("op_library_filename") or ()
    return load_script(path, device, libraries)


def _compile(name, model, settings):
    options = settings["TORCH_COMPILE_OPTIONAL_PARAMETERS"]
    if options is None:
        return model
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(
            f"model '{name}': parameter 'TORCH_COMPILE_OPTIONAL_PARAMETERS' is for models in Python, this one is TorchScript"
        )
    try:
        return torch.compile(model, **options)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"model '{name}', parameter 'TORCH_COMPILE_OPTIONAL_PARAMETERS': {error}") from error


def _device(args):
    """The device of an instance; None for KIND_MODEL, whose model says itself where it runs."""
    if args["model_instance_kind"] == "MODEL":
        return None
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    number = instance_gpu(args, count, f"PyTorch {torch.__version__}")
    return torch.device("cpu" if number is None else f"cuda:{number}")


def _device_of(model):
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
