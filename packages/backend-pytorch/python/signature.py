"""Which input is which argument of `forward`, and which output is what it gives.

Inputs have the names of the arguments, or end in their position (`INPUT__0`), or stand in the configuration in their
order. A single argument that is a dictionary gets all inputs by name. Outputs are the keys of the dictionary that
`forward` gives, or end in the position in its tuple or list (`OUTPUT__0`), or stand in the configuration in their order.
"""

import inspect
import re
import typing

import torch

_POSITION = re.compile(r"__(\d+)$")


class Argument(typing.NamedTuple):
    """An argument of `forward`."""

    name: str
    # "tensor", "dict" or "strings"
    kind: str
    required: bool


def arguments_of(model):
    """The arguments of `forward`, without self. Raises ValueError naming one that can't be an input."""
    if isinstance(model, torch.jit.ScriptModule):
        return [_script_argument(argument) for argument in model.forward.schema.arguments[1:]]
    hints = _hints(model.forward)
    parameters = inspect.signature(model.forward).parameters.values()
    return [_python_argument(one, hints.get(one.name)) for one in parameters if one.kind in _PASSED]


_PASSED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class CallPlan:
    """How the inputs of a configuration become the arguments of `forward`."""

    def __init__(self, model_name, input_names, arguments):
        self._is_dict = len(arguments) == 1 and arguments[0].kind == "dict"
        self._names = {} if self._is_dict else _arguments_by_input(model_name, input_names, arguments)

    def call(self, model, inputs):
        """Calls the model with `{name: tensor or list of str}`."""
        if self._is_dict:
            return model(inputs)
        return model(**{self._names[name]: value for name, value in inputs.items()})


def _arguments_by_input(model_name, input_names, arguments):
    names = [argument.name for argument in arguments]
    if all(name in names for name in input_names):
        chosen = {name: name for name in input_names}
    else:
        chosen = {name: names[at] if at < len(names) else None for name, at in _positions(input_names).items()}
    missing = [one.name for one in arguments if one.required and one.name not in chosen.values()]
    if missing or None in chosen.values() or len(set(chosen.values())) < len(chosen):
        raise ValueError(
            f"model '{model_name}': forward takes ({', '.join(names)}), the configuration has the inputs "
            f"({', '.join(input_names)}): name them as the arguments, or INPUT__0, INPUT__1, … in their order"
        )
    _refuse_nested(model_name, arguments, chosen)
    return chosen


def _refuse_nested(model_name, arguments, chosen):
    for argument in arguments:
        if argument.kind == "dict" and argument.name in chosen.values():
            raise ValueError(
                f"model '{model_name}': argument '{argument.name}' of forward is a dictionary beside other arguments: "
                "expected a dictionary as its only argument, or tensors"
            )


def outputs_by_name(result, output_names):
    """The outputs of a call by their names in the configuration. Raises ValueError naming what is missing."""
    if isinstance(result, dict):
        missing = [name for name in output_names if name not in result]
        if missing:
            raise ValueError(f"forward gave no output '{missing[0]}', it gave {', '.join(map(str, result)) or 'none'}")
        return {name: result[name] for name in output_names}
    is_several = isinstance(result, (tuple, list)) and not _is_strings(result)
    values = list(result) if is_several else [result]
    positions = _positions(output_names)
    for name, at in positions.items():
        if at >= len(values):
            raise ValueError(f"output '{name}' is number {at} of what forward gives, but it gave {len(values)}")
    return {name: values[at] for name, at in positions.items()}


def _positions(names):
    """The positions that names end in; their order, when one of them ends in none."""
    found = [_POSITION.search(name) for name in names]
    if all(found):
        return {name: int(match[1]) for name, match in zip(names, found)}
    return {name: at for at, name in enumerate(names)}


def _is_strings(value):
    return isinstance(value, list) and len(value) > 0 and all(isinstance(one, str) for one in value)


def _script_argument(argument):
    kind = argument.type.kind()
    if kind == "OptionalType":
        kind = argument.type.getElementType().kind()
    if kind == "ListType" and argument.type.getElementType().kind() == "StringType":
        kind = "strings"
    kinds = {"TensorType": "tensor", "DictType": "dict", "strings": "strings"}
    if kind not in kinds:
        raise ValueError(
            f"argument '{argument.name}' of forward is of type {argument.type}: "
            "expected Tensor, List[str] or, alone, Dict[str, Tensor]"
        )
    return Argument(argument.name, kinds[kind], not argument.has_default_value())


def _python_argument(parameter, hint):
    is_dict = hint is dict or typing.get_origin(hint) is dict
    return Argument(parameter.name, "dict" if is_dict else "tensor", parameter.default is inspect.Parameter.empty)


def _hints(forward):
    try:
        return typing.get_type_hints(forward)
    except (NameError, TypeError):
        # Annotations for type checkers alone: they say nothing that can be looked up.
        return {}
