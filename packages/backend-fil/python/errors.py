"""Errors of a model, with its name."""

import triton_python_backend_utils as pb_utils


def model_error(config, message):
    """INVALID_ARG: what is wrong with this model, or with its configuration."""
    return pb_utils.TritonModelException(f"model '{config['name']}': {message}", pb_utils.TritonError.INVALID_ARG)
