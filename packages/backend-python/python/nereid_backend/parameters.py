"""The `parameters` of a model's configuration, whose values are all text."""

import math
from dataclasses import dataclass

import triton_python_backend_utils as pb_utils

from .settings import backend_settings

# What Python models may have besides, whatever their backend.
_OF_ALL_PYTHON_MODELS = frozenset(
    {
        "EXECUTE_TIMEOUT_SECONDS",
        "EXECUTION_ENV_PATH",
        "FORCE_CPU_ONLY_INPUT_TENSORS",
        "MEMORY_LIMIT_BYTES",
        "PYTHON_INTERPRETER",
    }
)
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True)
class Parameter:
    """How one parameter is read."""

    kind: type
    """`str`, `bool`, `int` or `float`."""
    default: object = None
    """What it is when the configuration has no such parameter."""
    one_of: tuple = ()
    """The texts allowed; empty: any."""
    any_case: bool = False
    """Whether `latency` is LATENCY, too; the value is as `one_of` spells it."""
    minimum: float = -math.inf
    maximum: float = math.inf
    without_effect: str = ""
    """Why it is accepted but does nothing, which the log says of a model that has it."""

    def parse(self, text):
        """The value of a text. A ValueError says only what was expected."""
        try:
            value = _BOOLEANS[text.lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError):
            raise ValueError(self._expected()) from None
        if self.any_case:
            value = next((name for name in self.one_of if name.lower() == text.lower()), text)
        if self.one_of and value not in self.one_of:
            raise ValueError(self._expected())
        # Not the other way round: a NaN is not within any limits.
        if self.kind in (int, float) and not self.minimum <= value <= self.maximum:
            raise ValueError(self._expected())
        return value

    def _expected(self):
        if self.one_of:
            return f"one of {', '.join(self.one_of)}"
        if self.kind is bool:
            return "true, false, 1 or 0"
        kind = "an integer" if self.kind is int else "a number"
        limits = [
            f"{word} {limit}"
            for word, limit in (("of at least", self.minimum), ("of at most", self.maximum))
            if math.isfinite(limit)
        ]
        return " ".join([kind, " and ".join(limits)]).rstrip()


def read_parameters(config, specs):
    """The values of the parameters in `specs`, a `Parameter` by name, of a configuration as a dict.

    A parameter that the configuration leaves out has the value of the backend's setting of that name, if there is one.
    A wrong value is INVALID_ARG with model, parameter, what was expected and found.
    """
    given, settings = _texts(config), backend_settings()
    return {name: _read(config, name, spec, given.get(name), settings.get(name)) for name, spec in specs.items()}


def warn_of_unused_parameters(config, specs):
    """Says in the log which parameters of a configuration are not known, or have no effect."""
    for name in _texts(config):
        spec = specs.get(name)
        if spec is None and name not in _OF_ALL_PYTHON_MODELS:
            what = f"is not known to backend '{config['backend']}', which has {', '.join(specs)}{_did_you_mean(name, specs)}"
        elif spec is not None and spec.without_effect:
            what = f"has no effect: {spec.without_effect}"
        else:
            continue
        pb_utils.Logger.log_warn(f"model '{config['name']}': parameter '{name}' {what}")


def _did_you_mean(name, names):
    import difflib

    by_small = {one.lower(): one for one in names}
    near = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=0.7)
    return f"; did you mean '{by_small[near[0]]}'?" if near else ""


def _texts(config):
    return {name: value["string_value"].strip() for name, value in config.get("parameters", {}).items()}


def _read(config, name, spec, text, setting):
    if text is None and setting is None:
        return spec.default
    what = f"model '{config['name']}', parameter" if text is not None else f"backend '{config['backend']}', setting"
    found = text if text is not None else str(setting)
    try:
        return spec.parse(found)
    except ValueError as expected:
        message = f"{what} '{name}': expected {expected}, found '{found}'"
        raise pb_utils.TritonModelException(message, pb_utils.TritonError.INVALID_ARG) from None
