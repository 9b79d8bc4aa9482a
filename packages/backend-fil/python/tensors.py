"""The input and output of every forest: their names are Triton's, their sizes the model's."""

from nereid_backend import refuse_ragged

from .errors import model_error

INPUT = "input__0"
OUTPUT = "output__0"
# Rows are independent and cheap: what limits a batch is memory alone.
_MAX_BATCH_SIZE = 32768
_DATATYPES = ("TYPE_FP32", "TYPE_FP64")


def complete_tensors(config, forest):
    """Fills in what a configuration leaves out."""
    given = config.as_dict()
    if not given.get("input"):
        config.add_input({"name": INPUT, "data_type": "TYPE_FP32", "dims": [forest.features]})
    if not given.get("output"):
        config.add_output({"name": OUTPUT, "data_type": "TYPE_FP32", "dims": [forest.columns[0]]})
    if given.get("max_batch_size", 0) == 0:
        config.set_max_batch_size(_MAX_BATCH_SIZE)
        if given.get("sequence_batching") is None:
            config.set_dynamic_batching()


def check_tensors(config, forest):
    """An error when a configuration does not fit the forest."""
    refuse_ragged(config)
    if config["max_batch_size"] == 0:
        raise model_error(config, "max_batch_size must be above 0, as a request to a forest is a batch of rows")
    if any(output["name"] == "treeshap_output" for output in config["output"]):
        raise model_error(config, "output 'treeshap_output': Shapley values are not computed, remove this output")
    _check_tensor(config, "input", INPUT, (forest.features,))
    _check_tensor(config, "output", OUTPUT, forest.columns)


def _check_tensor(config, kind, name, sizes):
    found = config[kind]
    if [tensor["name"] for tensor in found] != [name]:
        names = ", ".join(tensor["name"] for tensor in found) or "none"
        raise model_error(config, f"expected one {kind}, '{name}', found {names}")
    (tensor,) = found
    if tensor["data_type"] not in _DATATYPES:
        raise model_error(config, f"{kind} '{name}': expected {' or '.join(_DATATYPES)}, found {tensor['data_type']}")
    dims = [int(size) for size in tensor["dims"]]
    if dims not in [[size] for size in sizes]:
        expected = " or ".join(f"[{size}]" for size in sizes)
        raise model_error(config, f"{kind} '{name}': expected dims {expected} as the forest has, found {dims}")
