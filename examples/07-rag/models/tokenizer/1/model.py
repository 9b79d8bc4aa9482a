"""Cuts texts into the tokens that MiniLM knows. All come out at one length, so that texts can share a batch."""

import json
import os

import numpy as np
import triton_python_backend_utils as pb_utils
from tokenizers import Tokenizer


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        length = pb_utils.get_output_config_by_name(config, "input_ids")["dims"][0]
        self._tokenizer = Tokenizer.from_file(os.path.join(pb_utils.get_model_dir(), "tokenizer.json"))
        # What is longer is cut off: the model has seen no longer texts in its training.
        self._tokenizer.enable_truncation(length)
        self._tokenizer.enable_padding(length=length)

    def execute(self, requests):
        return [self._tokenize(pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy()) for request in requests]

    def _tokenize(self, texts):
        encodings = self._tokenizer.encode_batch([text.decode() for text in texts.reshape(-1)])
        ids = np.array([encoding.ids for encoding in encodings])
        mask = np.array([encoding.attention_mask for encoding in encodings])
        return pb_utils.InferenceResponse([pb_utils.Tensor("input_ids", ids), pb_utils.Tensor("attention_mask", mask)])
