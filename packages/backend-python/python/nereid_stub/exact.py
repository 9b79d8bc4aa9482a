"""Parameters and ids on their way to and from the server, whose JSON rounds integers beyond 2^53."""

import math

from .errors import TritonError, TritonModelException

_SAFE = 1 << 53
_INT64 = 1 << 63


def check_parameters(parameters, what):
    """A copy of a dict of strings, bools, 64-bit integers and finite numbers; {} for None. Raises TritonModelException."""
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise _wrong(f"{what}: expected a dict, found {type(parameters).__name__}")
    for name, value in parameters.items():
        if not isinstance(name, str):
            raise _wrong(f"{what}: expected keys of type str, found {name!r} of type {type(name).__name__}")
        if isinstance(value, float):
            is_right = math.isfinite(value)
        elif isinstance(value, int):
            is_right = -_INT64 <= value < _INT64
        else:
            is_right = isinstance(value, str)
        if not is_right:
            expected = "a str, a bool, a 64-bit int or a finite float"
            raise _wrong(f"{what}: '{name}': expected {expected}, found {value!r} of type {type(value).__name__}")
    return dict(parameters)


def to_wire(value):
    """A value that the server's JSON keeps as it is."""
    if isinstance(value, int) and not -_SAFE < value < _SAFE:
        return {"integer": str(value)}
    return value


def from_wire(value):
    """A value that the server has written so that it was kept as it is."""
    if not isinstance(value, dict):
        return value
    return int(value["integer"]) if "integer" in value else float(value["float"])


def parameters_to_wire(parameters):
    return {name: to_wire(value) for name, value in parameters.items()}


def parameters_from_wire(parameters):
    return {name: from_wire(value) for name, value in parameters.items()}


def _wrong(message):
    return TritonModelException(message, TritonError.INVALID_ARG)
