"""Reads a model and fits its shapes to the configuration."""

import os

import triton_python_backend_utils as pb_utils

from .interface import configured_shape, is_scalar_port

_FILENAMES = ("model.xml", "model.onnx", "model.pdmodel", "model.tflite", "model.savedmodel", "model.saved_model")


def read_model(core, config, directory):
    """The model in a version folder. Raises ValueError naming the file that is missing or can't be read."""
    path = _find_file(directory, config["default_model_filename"])
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise ValueError(f"OpenVINO can't read {path}: {last_line(error)}") from error


def fit_shapes(model, config, settings):
    """Gives the model the shapes of the configuration, or a batch of any size, where it is asked to."""
    if settings["RESHAPE_IO_LAYERS"]:
        shapes = {tensor["name"]: configured_shape(tensor, config) for tensor in config["input"]}
    elif config["max_batch_size"] > 0:
        batch = config["max_batch_size"] if settings["SKIP_OV_DYNAMIC_BATCHSIZE"] else -1
        shapes = _with_batch(model, batch)
    else:
        return
    try:
        if shapes:
            model.reshape(shapes)
    except RuntimeError as error:
        raise ValueError(
            f"model '{config['name']}' can't take the shapes {({key: str(value) for key, value in shapes.items()})}: "
            f"{last_line(error)}. If it takes batches of one size only, set max_batch_size to that and parameter "
            "SKIP_OV_DYNAMIC_BATCHSIZE to YES"
        ) from error


def last_line(error):
    """What OpenVINO says after the places in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _with_batch(model, batch):
    """The shapes of the inputs with another batch; none when they have it already."""
    shapes = {}
    for port in model.inputs:
        shape = port.partial_shape
        if shape.rank.is_dynamic or is_scalar_port(port):
            continue
        if (shape[0].get_length() if shape[0].is_static else -1) != batch:
            shape[0] = batch
            shapes[port] = shape
    return shapes


def _find_file(directory, filename):
    names = dict.fromkeys([filename, *_FILENAMES] if filename in ("", "model.xml") else [filename])
    for name in filter(None, names):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path
    raise pb_utils.TritonModelException(
        f"expected {' or '.join(filter(None, names))} in {directory}, found {', '.join(os.listdir(directory)) or 'nothing'}",
        pb_utils.TritonError.INVALID_ARG,
    )
