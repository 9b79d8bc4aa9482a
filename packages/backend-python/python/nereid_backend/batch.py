"""The requests of one `execute` as one batch.

```python
def execute(self, requests):
    return answer_in_batches(requests, self.run, batched=True)

def run(self, inputs):                      # {"X": array of shape [batch, 3]}
    return {"Y": self.model(inputs["X"])}   # {"Y": array of shape [batch, 10]}
```
"""

import traceback

import numpy as np
import triton_python_backend_utils as pb_utils

from .ragged import RaggedBatch, split_by_shapes


class Bfloat16Bits(np.ndarray):
    """A BF16 tensor as the uint16 of its bits, since numpy has no bfloat16: `array.view(Bfloat16Bits)`."""


def answer_in_batches(requests, run, *, batched, config=None):
    """Answers requests by running them together.

    requests: those of `execute`.
    run: takes the inputs, gives the outputs, both as `{name: numpy array}`. With `batched`, the first dimension of each
        is the batch: the requests' parts back to back. BF16 tensors are `Bfloat16Bits`, both ways.
    batched: whether the model has a batch dimension (`max_batch_size` above 0). Without, each request runs by itself.
    config: the model's configuration as a dict, for models that may have ragged batches: inputs with `allow_ragged_batch`
        come as one flat array `[elements]`, the tensors of `batch_input` are among the inputs, and outputs of
        `batch_output` are cut by the shape of their source input.

    Requests that leave out different optional inputs, or whose inputs differ in more than the batch, run apart. What
    `run` raises fails the requests that ran together: a `ValueError` or `TritonModelException` as their author says, all
    else by its type and message.

    Returns a list with one `InferenceResponse` for each request.
    """
    responses = [None] * len(requests)
    ragged = RaggedBatch(config or {})
    for indices in _groups(requests, batched, ragged):
        group = [requests[index] for index in indices]
        for index, response in zip(indices, _answer(group, run, batched, ragged)):
            responses[index] = response
    return responses


def _groups(requests, batched, ragged):
    """Indices of the requests that can run together."""
    if not batched:
        return [[index] for index in range(len(requests))]
    groups = {}
    for index, request in enumerate(requests):
        kinds = {tensor.name(): ragged.kind(tensor) for tensor in request.inputs()}
        groups.setdefault(tuple(kinds[name] for name in sorted(kinds)), []).append(index)
    return groups.values()


def _answer(requests, run, batched, ragged):
    try:
        sizes = [request.inputs()[0].shape()[0] for request in requests] if batched else None
        outputs = run({**_gather(requests, ragged), **_batch_inputs(requests)})
        parts = {
            name: [array] if sizes is None else _split(name, array, sizes, ragged.shapes(name, requests))
            for name, array in outputs.items()
        }
        return [_respond(parts, at) for at in range(len(requests))]
    except Exception as error:
        pb_utils.Logger.log_verbose("".join(traceback.format_exception(error)))
        return [pb_utils.InferenceResponse(error=_to_error(error)) for _ in requests]


def _respond(parts, at):
    return pb_utils.InferenceResponse([_to_tensor(name, arrays[at]) for name, arrays in parts.items()])


def _gather(requests, ragged):
    """The inputs of all requests, one array for each name."""
    parts = {}
    for request in requests:
        for tensor in request.inputs():
            parts.setdefault(tensor.name(), []).append(ragged.flatten(tensor.name(), _to_array(tensor)))
    return {name: _concatenate(arrays) for name, arrays in parts.items()}


def _batch_inputs(requests):
    """What the server has made of the whole batch, which runs together: it forms batches by the same rules."""
    return {tensor.name(): tensor.as_numpy() for tensor in requests[0]._batch_inputs}


def _concatenate(arrays):
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays).view(type(arrays[0]))


def _split(name, array, sizes, shapes):
    """The parts of an output, one for each request."""
    if shapes is not None:
        return split_by_shapes(name, array, shapes)
    ends = np.cumsum(sizes)
    if array.ndim == 0 or len(array) != ends[-1]:
        raise ValueError(
            f"output '{name}': expected {ends[-1]} as its first dimension, the size of the batch, "
            f"found shape {list(array.shape)}; a model without a batch dimension needs max_batch_size: 0"
        )
    return np.split(array, ends[:-1])


def _to_array(tensor):
    if tensor.triton_dtype() != "BF16":
        return tensor.as_numpy()
    return np.frombuffer(tensor._encode(), np.uint16).reshape(tensor.shape()).view(Bfloat16Bits)


def _to_tensor(name, array):
    if isinstance(array, Bfloat16Bits):
        return pb_utils.Tensor._received(name, "BF16", array.shape, array.tobytes())
    return pb_utils.Tensor(name, array)


def _to_error(error):
    if isinstance(error, pb_utils.TritonModelException):
        return pb_utils.TritonError(error.message(), error.code())
    if isinstance(error, ValueError):
        return pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
    return pb_utils.TritonError(f"{type(error).__name__}: {error}")
