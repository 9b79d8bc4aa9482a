"""The requests of one `execute` as one batch."""

import numpy as np
import triton_python_backend_utils as pb_utils


class Batch:
    """Requests of a model that has a batch dimension: one array for each input, in the order of the requests.

    ```python
    def execute(self, requests):
        batch = Batch(requests)
        return batch.responses({"Y": self.model(batch.input("X"))})
    ```
    """

    def __init__(self, requests):
        self._requests = requests
        first = [request.inputs()[0].shape()[0] for request in requests]
        self._ends = np.cumsum(first)

    @property
    def size(self):
        """Rows of all requests together."""
        return int(self._ends[-1])

    def input(self, name):
        """The input of all requests, back to back. Requests must be alike in all dimensions but the first.

        None when no request has it; a ValueError when only some have it.
        """
        found = [pb_utils.get_input_tensor_by_name(request, name) for request in self._requests]
        parts = [tensor.as_numpy() for tensor in found if tensor is not None]
        if not parts:
            return None
        if len(parts) < len(found):
            raise ValueError(f"input '{name}' is in {len(parts)} of {len(found)} requests of a batch")
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def responses(self, outputs):
        """A response for each request, with its rows of each of the outputs: arrays by name."""
        for name, values in outputs.items():
            if len(values) != self.size:
                raise ValueError(f"output '{name}' has {len(values)} rows, expected {self.size} as the inputs")
        starts = [0, *self._ends[:-1]]
        return [
            pb_utils.InferenceResponse([pb_utils.Tensor(name, values[a:b]) for name, values in outputs.items()])
            for a, b in zip(starts, self._ends)
        ]
