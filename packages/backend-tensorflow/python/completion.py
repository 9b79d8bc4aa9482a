"""Fills in from the signature what a configuration leaves out, by the rules of Triton's TensorFlow backend."""

from nereid_backend import backend_settings, model_dims, sequence_inputs, sequence_outputs


def complete(config, signature):
    """Completes max_batch_size, the dynamic batcher, inputs and outputs. config: that of `auto_complete_config`.

    All inputs are completed, those not listed too. Of outputs the same holds when none is listed; else one that is
    not listed is not wanted.
    """
    given = config.as_dict()
    default = backend_settings()["default-max-batch-size"]
    batched = _is_batched(given, signature, default)
    if batched and not given.get("max_batch_size"):
        config.set_max_batch_size(default)
    if given.get("max_batch_size", 0) > 1 and not given.get("sequence_batching"):
        config.set_dynamic_batching()
    made, states = sequence_inputs(given), sequence_outputs(given)
    wanted = [name for name in signature.inputs if name not in made]
    given["input"] = _complete_tensors(given, given.get("input"), signature.inputs, wanted, batched)
    wanted = [] if given.get("output") else [name for name in signature.outputs if name not in states]
    given["output"] = _complete_tensors(given, given.get("output"), signature.outputs, wanted, batched)


def _is_batched(config, signature, default):
    """Whether the first dimension is a batch. default: max_batch_size to be completed; 0 when nothing is to batch.

    Any size as first dimension may mean a batch or a tensor of any size: dims in the configuration tell which.
    """
    if config.get("max_batch_size", 0) > 0:
        return True
    tensors = {**signature.inputs, **signature.outputs}.values()
    if default == 0 or not all(tensor.may_batch for tensor in tensors):
        return False
    hints = dict(_hints(config.get("input"), signature.inputs))
    hints |= dict(_hints(config.get("output"), signature.outputs))
    if len(set(hints.values())) > 1:
        found = ", ".join(f"'{name}' {'without' if hint else 'with'}" for name, hint in hints.items())
        raise ValueError(
            f"model '{config['name']}': dims of some tensors leave out the first dimension as that of a batch, others have it "
            f"({found}): set max_batch_size, or make them agree"
        )
    # Without any, a tensor of which not even the rank is known is no sign of a batch.
    return next(iter(hints.values())) if hints else all(tensor.shape is not None for tensor in tensors)


def _hints(tensors, known):
    """For each tensor with dims, whether these lack a dimension of the model's."""
    for tensor in tensors or ():
        found = known.get(tensor["name"])
        if found is not None and found.shape is not None and tensor.get("dims"):
            yield tensor["name"], len(model_dims(tensor)) == len(found.shape) - 1


def _complete_tensors(config, tensors, known, wanted, batched):
    given = [_fill(config, tensor, known.get(tensor["name"]), batched) for tensor in tensors or ()]
    names = {tensor["name"] for tensor in given}
    return given + [_fill(config, {"name": name}, known[name], batched) for name in wanted if name not in names]


def _fill(config, tensor, found, batched):
    """A tensor with its datatype and dims. One that the model does not have is left to the check at the load."""
    if found is None:
        return tensor
    filled = dict(tensor)
    if filled.get("data_type") in (None, "TYPE_INVALID"):
        filled["data_type"] = found.datatype
    if not filled.get("dims"):
        if found.shape is None:
            raise ValueError(
                f"model '{config['name']}': the shape of '{found.name}' is not in the model: say its dims in config.pbtxt"
            )
        filled["dims"] = list(found.shape[1:] if batched else found.shape) or [1]
        # No configuration has empty dims: one element a row is one dimension of 1.
        if batched and len(found.shape) == 1:
            filled["reshape"] = {"shape": []}
    return filled
