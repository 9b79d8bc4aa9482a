"""Serves models that OpenVINO reads: its IR, ONNX and others. One process for each instance."""

import json
import os

import numpy as np
import openvino as ov
import triton_python_backend_utils as pb_utils
from nereid_backend import answer_in_batches, refuse_gpus, refuse_ragged

from .completion import complete
from .interface import connect_inputs, connect_outputs, convert_datatypes, is_scalar_port
from .loading import fit_shapes, last_line, read_model
from .settings import compile_properties, describe_compiled, read_settings, warn_of_unused
from .tensors import to_numpy, to_openvino


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        given = config.as_dict()
        settings = read_settings(given)
        model = read_model(_create_core(given, settings), given, pb_utils.get_model_dir())
        complete(config, model)
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
        model = convert_datatypes(model, config)
        self._inputs, self._outputs = connect_inputs(model, config), connect_outputs(model, config)
        self._scalars = {name for name, at in self._inputs.items() if is_scalar_port(model.inputs[at])}
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
        given = {name: array.reshape(()) if name in self._scalars else _pad(array, missing) for name, array in inputs.items()}
        try:
            self._request.infer({self._inputs[name]: to_openvino(array) for name, array in given.items()})
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
        compiled = core.compile_model(model, device, compile_properties(core, device, config, settings))
    except RuntimeError as error:
        raise ValueError(
            f"model '{config['name']}' can't be compiled for device {device} (TARGET_DEVICE; there are "
            f"{', '.join(core.available_devices)}): {last_line(error)}"
        ) from error
    pb_utils.Logger.log_verbose(f"model '{config['name']}' is compiled for {device}: {describe_compiled(compiled)}")
    return compiled


def _fixed_batch(model):
    """The only size of a batch that the model takes; None when it takes any."""
    shapes = [port.partial_shape for port in model.inputs if port.partial_shape.rank.is_static and not is_scalar_port(port)]
    first = shapes[0][0] if shapes else None
    return first.get_length() if first is not None and first.is_static else None


def _pad(array, rows):
    return array if rows == 0 else np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)]).view(type(array))
