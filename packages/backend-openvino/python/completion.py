"""Fills in from the model what a configuration leaves out."""

import openvino as ov
from nereid_backend import backend_settings

from .interface import is_scalar_port
from .tensors import datatype_of, name_of


def complete(config, model):
    """Completes max_batch_size, the dynamic batcher, inputs and outputs. config: that of `auto_complete_config`."""
    given = config.as_dict()
    default = backend_settings()["default-max-batch-size"]
    has_batch = _has_batch(model)
    if default > 0 and not given.get("max_batch_size") and not given.get("input") and has_batch:
        config.set_max_batch_size(default)
    if given.get("max_batch_size", 0) > 1 and not given.get("sequence_batching") and has_batch:
        config.set_dynamic_batching()
    batched = given.get("max_batch_size", 0) > 0
    for kind, ports in (("input", model.inputs), ("output", model.outputs)):
        # What the file says is left alone: an output that it leaves out is not wanted.
        if not given.get(kind):
            given[kind] = [_describe(port, batched) for port in ports]


def _describe(port, batched):
    shape = port.partial_shape
    if shape.rank.is_dynamic:
        raise ValueError(f"the shape of '{name_of(port)}' is not in the model: say its dims in config.pbtxt")
    sizes = [size.get_length() if size.is_static else -1 for size in shape]
    tensor = {"name": name_of(port), "data_type": datatype_of(port), "dims": (sizes[1:] if batched else sizes) or [1]}
    # No configuration has empty dims: one element a row is one dimension of 1.
    return tensor | {"reshape": {"shape": []}} if batched and len(sizes) == 1 else tensor


def _has_batch(model):
    """Whether the first dimension of every input and output is a batch: its layout says so, or it may be of any size."""
    return all(_is_batch(port) for port in (*model.inputs, *model.outputs))


def _is_batch(port):
    shape = port.partial_shape
    if shape.rank.is_dynamic or is_scalar_port(port):
        return False
    return ov.layout_helpers.has_batch(ov.layout_helpers.get_layout(port)) or shape[0].is_dynamic
