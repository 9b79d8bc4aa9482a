"""Serves models that OpenVINO reads: its IR, ONNX and others. One process for each instance."""

import json
import os

import numpy as np
import openvino as ov
import triton_python_backend_utils as pb_utils
from nereid_backend import answer_in_batches, backend_settings, refuse_gpus, refuse_ragged

from .loading import configured_shape, fit_shapes, last_line, read_model
from .settings import compile_properties, describe_compiled, read_settings, warn_of_unused
from .tensors import datatype_of, find_port, name_of, to_numpy, to_openvino


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        given = config.as_dict()
        settings = read_settings(given)
        model = read_model(_create_core(given, settings), given, pb_utils.get_model_dir())
        default = backend_settings()["default-max-batch-size"]
        if default > 0 and not given.get("max_batch_size") and not given.get("input") and _has_batch(model):
            config.set_max_batch_size(default)
            if default > 1 and not given.get("sequence_batching"):
                config.set_dynamic_batching()
        batched = given.get("max_batch_size", 0) > 0
        for kind, ports, add in (("input", model.inputs, config.add_input), ("output", model.outputs, config.add_output)):
            # What the file says is left alone: an output that it leaves out is not wanted.
            for port in ports if not given.get(kind) else ():
                add({"name": name_of(port), "data_type": datatype_of(port), "dims": _dims(port, batched)})
        return config

    def initialize(self, args):
        self._config = config = json.loads(args["model_config"])
        refuse_gpus(args, "OpenVINO has no such: use KIND_CPU, and parameter TARGET_DEVICE to choose a device of OpenVINO")
        refuse_ragged(config)
        settings = read_settings(config)
        warn_of_unused(config)
        core = _create_core(config, settings)
        model = read_model(core, config, pb_utils.get_model_dir())
        fit_shapes(model, config, settings)
        self._fixed_batch = _fixed_batch(model) if config["max_batch_size"] > 0 else None
        self._pads = settings["ENABLE_BATCH_PADDING"]
        self._inputs = {one["name"]: _check(one, model.inputs, "input", config) for one in config["input"]}
        self._outputs = {one["name"]: _check(one, model.outputs, "output", config) for one in config["output"]}
        self._request = _compile(core, model, config, settings).create_infer_request()

    def execute(self, requests):
        return answer_in_batches(requests, self._run, batched=self._config["max_batch_size"] > 0)

    def _run(self, inputs):
        size = len(next(iter(inputs.values()))) if self._fixed_batch is not None else None
        missing = 0 if size is None else self._fixed_batch - size
        if missing != 0 and not (self._pads and missing > 0):
            raise ValueError(
                f"model '{self._config['name']}' takes batches of {self._fixed_batch} only, found one of {size}: "
                "set parameter ENABLE_BATCH_PADDING to YES to have the rest filled with zeros"
            )
        padded = {name: _pad(array, missing) for name, array in inputs.items()}
        try:
            self._request.infer({self._inputs[name]: to_openvino(array) for name, array in padded.items()})
        except RuntimeError as error:
            raise ValueError(f"model '{self._config['name']}': {last_line(error)}") from error
        outputs = {name: to_numpy(self._request.get_output_tensor(at)) for name, at in self._outputs.items()}
        return {name: array[:size] for name, array in outputs.items()} if missing else outputs


def _create_core(config, settings):
    core = ov.Core()
    extension = settings["CPU_EXTENSION_PATH"]
    if extension is not None:
        if not os.path.isfile(extension):
            raise ValueError(f"model '{config['name']}', parameter 'CPU_EXTENSION_PATH': there is no file {extension}")
        core.add_extension(extension)
    return core


def _compile(core, model, config, settings):
    device = settings["TARGET_DEVICE"].upper()
    try:
        compiled = core.compile_model(model, device, compile_properties(settings))
    except RuntimeError as error:
        raise ValueError(
            f"model '{config['name']}' can't be compiled for device {device} (TARGET_DEVICE; there are "
            f"{', '.join(core.available_devices)}): {last_line(error)}"
        ) from error
    pb_utils.Logger.log_verbose(f"model '{config['name']}' is compiled for {device}: {describe_compiled(compiled)}")
    return compiled


def _check(tensor, ports, what, config):
    """The position of a configured input or output in the model. Raises ValueError saying how they differ."""
    port = find_port(ports, tensor["name"], what)
    expected, found = tensor["data_type"], datatype_of(port)
    shape, model_shape = configured_shape(tensor, config), port.partial_shape
    if expected != found or not shape.compatible(model_shape):
        raise ValueError(
            f"model '{config['name']}', {what} '{tensor['name']}': the configuration has {expected} {shape}, "
            f"the model {found} {model_shape}"
        )
    return ports.index(port)


def _has_batch(model):
    """Whether the first dimension of every input and output is a batch: its layout says so, or it may be of any size."""
    return all(_is_batch(port) for port in (*model.inputs, *model.outputs))


def _is_batch(port):
    shape = port.partial_shape
    if shape.rank.is_dynamic or shape.rank.get_length() == 0:
        return False
    return ov.layout_helpers.has_batch(ov.layout_helpers.get_layout(port)) or shape[0].is_dynamic


def _dims(port, batched):
    shape = port.partial_shape
    if shape.rank.is_dynamic:
        raise ValueError(f"the shape of '{name_of(port)}' is not in the model: say its dims in config.pbtxt")
    return [size.get_length() if size.is_static else -1 for size in list(shape)[1 if batched else 0 :]]


def _fixed_batch(model):
    """The only size of a batch that the model takes; None when it takes any."""
    first = next((port.partial_shape[0] for port in model.inputs if port.partial_shape.rank.is_static), None)
    return first.get_length() if first is not None and first.is_static else None


def _pad(array, rows):
    return array if rows == 0 else np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)]).view(type(array))
