"""What `allow_ragged_batch`, `batch_input` and `batch_output` of a configuration say of a batch."""

import numpy as np
import triton_python_backend_utils as pb_utils


class RaggedBatch:
    """Which inputs of a configuration (a dict) are joined as one flat array, and which outputs are cut by an input."""

    def __init__(self, config):
        self._ragged = frozenset(ragged_inputs(config))
        outputs = {output["name"]: output["dims"] for output in config.get("output", ())}
        self._scattered = {
            name: (entry["source_input"][0], outputs[name])
            for entry in config.get("batch_output") or ()
            for name in entry["target_name"]
        }

    def kind(self, tensor):
        """What must be equal in requests that run together."""
        shape = None if tensor.name() in self._ragged else tuple(tensor.shape()[1:])
        return tensor.name(), tensor.triton_dtype(), shape

    def flatten(self, name, array):
        """A request's part of an input: of a ragged one, its elements."""
        return array.reshape(-1) if name in self._ragged else array

    def shapes(self, name, requests):
        """The shape of each request's part of an output; None when they are rows.

        A dimension of any size is that of the source input in the same place.
        """
        if name not in self._scattered:
            return None
        source, dims = self._scattered[name]
        return [self._scattered_shape(name, request, source, dims) for request in requests]

    def _scattered_shape(self, name, request, source, dims):
        tensor = pb_utils.get_input_tensor_by_name(request, source)
        given = list(tensor.shape()) if tensor is not None else []
        sizes = [request.inputs()[0].shape()[0], *(int(size) for size in dims)]
        if any(size < 0 and at >= len(given) for at, size in enumerate(sizes)):
            raise ValueError(
                f"batch_output '{name}': expected source input '{source}' to say the sizes of dims {list(dims)}, found "
                f"{given if tensor is not None else 'no such input'}"
            )
        return [size if size >= 0 else given[at] for at, size in enumerate(sizes)]


def ragged_inputs(config):
    """Names of the inputs with `allow_ragged_batch`."""
    return [given["name"] for given in config.get("input", ()) if given.get("allow_ragged_batch")]


def batch_inputs(config):
    """Names of the inputs that `batch_input` makes."""
    return [name for entry in config.get("batch_input") or () for name in entry["target_name"]]


def refuse_ragged(config):
    """For backends whose models take whole rows alone. Raises an error that names the field of the configuration."""
    ragged = ragged_inputs(config)
    fields = [f"allow_ragged_batch of input '{ragged[0]}'"] if ragged else []
    fields += [field for field in ("batch_input", "batch_output") if config.get(field)]
    if fields:
        raise pb_utils.TritonModelException(
            f"model '{config['name']}': backend '{config['backend']}' can't serve {' and '.join(fields)}: "
            "requests of a batch need equal dims, remove it from the configuration",
            pb_utils.TritonError.INVALID_ARG,
        )


def split_by_shapes(name, array, shapes):
    """The parts of an output that is all requests' elements back to back."""
    flat = array.reshape(-1)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    if len(flat) != ends[-1]:
        raise ValueError(f"batch_output '{name}': expected {ends[-1]} elements for shapes {shapes}, found {len(flat)}")
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes)]
