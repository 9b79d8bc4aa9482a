"""Inputs and outputs of a configuration beside those of a model: which is which, and whether they fit."""

import openvino as ov
from nereid_backend import model_dims, sequence_inputs, sequence_outputs

from .tensors import datatype_of, element_type, find_port, name_of


def convert_datatypes(model, config):
    """The model with the datatypes of the configuration: numbers of another type are converted on their way, as in Triton."""
    converter = ov.preprocess.PrePostProcessor(model)
    is_converted = False
    for what, ports, change in (("input", model.inputs, converter.input), ("output", model.outputs, converter.output)):
        for tensor in config[what]:
            port = find_port(ports, tensor["name"], what)
            wanted, found = tensor["data_type"], datatype_of(port)
            if wanted != found and "TYPE_STRING" not in (wanted, found):
                change(ports.index(port)).tensor().set_element_type(element_type(wanted))
                is_converted = True
    return converter.build() if is_converted else model


def connect_inputs(model, config):
    """The positions in the model of the inputs that requests have, by name.

    Raises ValueError saying how they differ, or which input of the model none of them is: OpenVINO would go on with what an
    earlier request has left in it.
    """
    positions = {tensor["name"]: _check(tensor, model.inputs, "input", config) for tensor in config["input"]}
    positions |= {name: model.inputs.index(find_port(model.inputs, name, "input")) for name in sequence_inputs(config)}
    missing = [name_of(port) for at, port in enumerate(model.inputs) if at not in positions.values()]
    if missing:
        raise ValueError(
            f"model '{config['name']}': the configuration has the inputs {', '.join(positions) or 'none'}, "
            f"the model needs {', '.join(missing)}, too"
        )
    optional = [tensor["name"] for tensor in config["input"] if tensor.get("optional")]
    if optional:
        raise ValueError(f"model '{config['name']}': input '{optional[0]}' is optional, but OpenVINO needs all inputs of a model")
    return positions


def connect_outputs(model, config):
    """The positions in the model of the outputs that answers have, by name. Raises ValueError saying how they differ."""
    outputs = {tensor["name"]: tensor for tensor in config["output"]} | sequence_outputs(config)
    return {name: _check(tensor, model.outputs, "output", config) for name, tensor in outputs.items()}


def configured_shape(tensor, config):
    """The shape that a tensor of the configuration has in the model."""
    dims = model_dims(tensor)
    return ov.PartialShape([-1, *dims] if config["max_batch_size"] > 0 else dims)


def _check(tensor, ports, what, config):
    port = find_port(ports, tensor["name"], what)
    expected, found = tensor["data_type"], datatype_of(port)
    shape, model_shape = configured_shape(tensor, config), port.partial_shape
    # No configuration has empty dims: a scalar is one dimension of 1 there.
    is_scalar = is_scalar_port(port) and shape == ov.PartialShape([1])
    if expected != found or not (is_scalar or shape.compatible(model_shape)):
        raise ValueError(
            f"model '{config['name']}', {what} '{tensor['name']}': the configuration has {expected} {shape}, "
            f"the model {found} {model_shape}"
        )
    return ports.index(port)


def is_scalar_port(port):
    """Whether an input or output of a model has no dimensions."""
    return port.partial_shape.rank.is_static and port.partial_shape.rank.get_length() == 0
