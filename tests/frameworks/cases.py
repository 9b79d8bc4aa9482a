"""What a test asks of models that a framework made, and what the framework itself answers to that."""

import base64
import json
import struct

import numpy as np

_NAMES = {"float16": "FP16", "float32": "FP32", "float64": "FP64", "bool": "BOOL", "object": "BYTES"}


class Cases:
    """Collects cases; `write` puts them into a file that cases.ts reads."""

    def __init__(self):
        self._cases = []

    def add(self, model, inputs, outputs):
        """One request. inputs, outputs: numpy arrays by name; a pair (array of uint16, "BF16") for bfloat16."""
        described = [[_describe(name, value) for name, value in tensors.items()] for tensors in (inputs, outputs)]
        self._cases.append({"model": model, "inputs": described[0], "outputs": described[1]})

    def write(self, path):
        with open(path, "w") as file:
            json.dump(self._cases, file)


def _describe(name, value):
    array, datatype = value if isinstance(value, tuple) else (value, None)
    kind = array.dtype.name
    return {
        "name": name,
        "datatype": datatype or _NAMES.get(kind, kind.upper()),
        "shape": list(array.shape),
        "base64": base64.b64encode(_bytes(array)).decode(),
    }


def _bytes(array):
    if array.dtype != np.object_:
        return np.ascontiguousarray(array).tobytes()
    texts = [text if isinstance(text, bytes) else text.encode() for text in array.reshape(-1)]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)
