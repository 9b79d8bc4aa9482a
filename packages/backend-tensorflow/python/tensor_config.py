"""Tensors of a configuration beside those of a signature."""

from nereid_backend import model_dims, refuse_ragged, sequence_inputs


def check_tensors(config, signature):
    """Raises ValueError naming what the configuration and the signature say of one tensor, when that differs."""
    states = (config.get("sequence_batching") or {}).get("state") or ()
    refuse_ragged(config)
    for tensor in config["input"]:
        _check_tensor(config, tensor, signature.inputs, "input")
    for tensor in config["output"]:
        _check_tensor(config, tensor, signature.outputs, "output")
    for what, key, known in (("input", "input_name", signature.inputs), ("output", "output_name", signature.outputs)):
        for state in states:
            _check_tensor(config, {**state, "name": state[key]}, known, f"{what} state")
    _check_inputs(config, signature)


def _check_tensor(config, tensor, known, what):
    name, found = tensor["name"], known.get(tensor["name"])
    where = f"model '{config['name']}', {what} '{name}'"
    if found is None:
        raise ValueError(f"{where} is not in the signature, which has {', '.join(known) or 'none'}")
    batched = config["max_batch_size"] > 0
    if batched and not found.may_batch:
        raise ValueError(
            f"{where}: max_batch_size {config['max_batch_size']} needs a batch of any size as first dimension, the model has "
            f"{_text(found.shape)}: set max_batch_size: 0, or export the model with None as first dimension"
        )
    shape = [-1, *model_dims(tensor)] if batched else model_dims(tensor)
    if tensor["data_type"] != found.datatype or not _fits(shape, found.shape):
        raise ValueError(
            f"{where}: the configuration has {tensor['data_type']} {_text(shape)}, "
            f"the model {found.datatype} {_text(found.shape)}"
        )


def _fits(shape, model_shape):
    if model_shape is None:
        return True
    if model_shape == ():
        return shape == [1]
    return len(shape) == len(model_shape) and all(size in (-1, given) for given, size in zip(shape, model_shape))


def _check_inputs(config, signature):
    """TensorFlow has no optional inputs: all of the signature must come."""
    made = sequence_inputs(config)
    unknown = [name for name in made if name not in signature.inputs]
    if unknown:
        raise ValueError(
            f"model '{config['name']}': sequence_batching makes input '{unknown[0]}', which is not in the signature: "
            f"it has {', '.join(signature.inputs) or 'none'}"
        )
    names = [tensor["name"] for tensor in config["input"]] + made
    missing = [name for name in signature.inputs if name not in names]
    if missing:
        raise ValueError(
            f"model '{config['name']}': the configuration has the inputs {', '.join(names) or 'none'}, "
            f"the signature needs {', '.join(missing)}, too"
        )
    optional = [tensor["name"] for tensor in config["input"] if tensor.get("optional")]
    if optional:
        raise ValueError(
            f"model '{config['name']}': input '{optional[0]}' is optional, but TensorFlow needs all inputs of a signature"
        )


def _text(shape):
    return "of any shape" if shape is None else f"[{', '.join(map(str, shape))}]"
