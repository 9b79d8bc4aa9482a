"""Triton's FIL backend on the CPU: forests of decision trees, read and executed by Treelite."""

import json

import numpy as np
import triton_python_backend_utils as pb_utils
from nereid_backend import answer_in_batches, read_parameters, refuse_gpus, warn_of_unused_parameters

from .forest import Forest
from .forest_file import find_forest_file, load_forest
from .parameters import PARAMETERS
from .tensors import INPUT, OUTPUT, check_tensors, complete_tensors


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        complete_tensors(config, open_forest(config.as_dict()))
        return config

    def initialize(self, args):
        config = json.loads(args["model_config"])
        refuse_gpus(args, "Treelite executes forests on the CPU: use KIND_CPU")
        self.forest = open_forest(config)
        warn_of_unused_parameters(config, PARAMETERS)
        if "threshold" in config["parameters"] and not self.forest.has_threshold:
            pb_utils.Logger.log_warn(f"model '{config['name']}': parameter 'threshold' has no effect on its answers")
        check_tensors(config, self.forest)
        output = pb_utils.get_output_config_by_name(config, OUTPUT)
        self.columns = output["dims"][0]
        self.dtype = pb_utils.triton_string_to_numpy(output["data_type"])

    def execute(self, requests):
        return answer_in_batches(requests, self.predict, batched=True)

    def predict(self, inputs):
        answers = self.forest.predict(inputs[INPUT], self.columns)
        return {OUTPUT: np.ascontiguousarray(answers, self.dtype)}


def open_forest(config):
    """The forest in this version's folder. An error names the model, and what is wrong with its file or parameters."""
    parameters = read_parameters(config, PARAMETERS)
    file = find_forest_file(config, parameters["model_type"], pb_utils.get_model_dir())
    return Forest(load_forest(config, file, parameters), config, parameters)
