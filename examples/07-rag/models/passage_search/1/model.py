"""Finds passages by their embeddings. Scores are cosines: all vectors have length 1."""

import json
import os

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self._count = pb_utils.get_output_config_by_name(config, "PASSAGES")["dims"][0]
        with open(os.path.join(pb_utils.get_model_dir(), "passages.json"), encoding="utf-8") as file:
            passages = json.load(file)
        self._texts = np.array([passage["text"] for passage in passages], dtype=object)
        self._sources = np.array([passage["source"] for passage in passages], dtype=object)
        self._embeddings = np.array([passage["embedding"] for passage in passages], dtype=np.float32)

    def execute(self, requests):
        return [self._search(pb_utils.get_input_tensor_by_name(request, "EMBEDDING").as_numpy()) for request in requests]

    def _search(self, questions):
        scores = questions @ self._embeddings.T
        best = np.argsort(-scores, axis=1)[:, : self._count]
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor("PASSAGES", self._texts[best]),
                pb_utils.Tensor("SOURCES", self._sources[best]),
                pb_utils.Tensor("SCORES", np.take_along_axis(scores, best, axis=1)),
            ]
        )
