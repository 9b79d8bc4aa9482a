"""Serves SavedModels as Triton's TensorFlow backend does: one session for each instance, which is a process."""

import json
import os

# TensorFlow tells everybody about its processor at the import; warnings stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

import tensorflow as tf
import triton_python_backend_utils as pb_utils
from nereid_backend import answer_in_batches, backend_settings, instance_gpu, sequence_outputs

from .completion import complete
from .errors import first_line
from .saved_model import find_saved_model, open_session, read_signature
from .settings import read_settings, warn_of_unused
from .tensor_config import check_tensors
from .tensors import to_numpy, to_tensorflow


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        given = config.as_dict()
        path = find_saved_model(given, pb_utils.get_model_dir())
        complete(config, read_signature(given, path, read_settings(given)))
        return config

    def initialize(self, args):
        self._config = config = json.loads(args["model_config"])
        gpu = instance_gpu(args, len(tf.config.list_physical_devices("GPU")), f"TensorFlow {tf.__version__}")
        settings = read_settings(config)
        warn_of_unused(config)
        path = find_saved_model(config, pb_utils.get_model_dir())
        signature = read_signature(config, path, settings)
        check_tensors(config, signature)
        session = open_session(config, path, settings, _devices(args["model_instance_kind"], gpu))
        names = [output["name"] for output in config["output"]] + list(sequence_outputs(config))
        self._inputs, self._outputs = signature.inputs, {name: signature.outputs[name] for name in names}
        self._call = session.make_callable(
            {name: tensor.graph_name for name, tensor in self._outputs.items()},
            [tensor.graph_name for tensor in self._inputs.values()],
        )

    def execute(self, requests):
        return answer_in_batches(requests, self._run, batched=self._config["max_batch_size"] > 0)

    def _run(self, inputs):
        try:
            values = self._call(*(to_tensorflow(tensor, inputs[name]) for name, tensor in self._inputs.items()))
        except tf.errors.OpError as error:
            is_wrong_input = isinstance(error, tf.errors.InvalidArgumentError)
            code = pb_utils.TritonError.INVALID_ARG if is_wrong_input else pb_utils.TritonError.INTERNAL
            raise pb_utils.TritonModelException(f"model '{self._config['name']}': {first_line(error)}", code) from error
        return {name: to_numpy(tensor, values[name]) for name, tensor in self._outputs.items()}


def _devices(kind, gpu):
    """Which GPUs TensorFlow may use, as options of a session: all for KIND_MODEL, whose model says itself where it runs."""
    if kind == "MODEL":
        return {}
    if gpu is None:
        return {"device_count": {"GPU": 0}}
    fraction = backend_settings()["gpu-memory-fraction"]
    memory = {"per_process_gpu_memory_fraction": fraction} if fraction > 0 else {"allow_growth": True}
    return {"gpu_options": tf.compat.v1.GPUOptions(visible_device_list=str(gpu), **memory)}
