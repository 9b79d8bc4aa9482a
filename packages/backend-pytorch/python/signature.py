"""Which input is which argument of `forward`, and which output is what it gives.

Inputs have the names of the arguments, or end in their position (`INPUT__0`), or stand in the configuration in their
order. A single argument that is a dictionary gets all inputs by name. Outputs are the keys of the dictionary that
`forward` gives or the fields of its named tuple, or end in the position among them (`OUTPUT__0`), or stand in the
configuration in their order.
"""

import dataclasses
import inspect
import re
import typing

import torch

_POSITION = re.compile(r"__(\d+)$")


class Argument(typing.NamedTuple):
    """An argument of `forward`."""

    name: str
    kind: str
    """`tensor`, `strings` (a list of str) or `dict`; `value`: Python code doesn't say; `args`, `kwargs`: those that take all
    others; else another type, by its name."""
    required: bool


def arguments_of(model):
    """The arguments of `forward`, without self."""
    if isinstance(model, torch.jit.ScriptModule):
        return [_script_argument(argument) for argument in model.forward.schema.arguments[1:]]
    hints = _hints(model.forward)
    parameters = inspect.signature(model.forward).parameters.values()
    return [_python_argument(one, hints.get(one.name)) for one in parameters]


class CallPlan:
    """How the inputs of a configuration become the arguments of `forward`."""

    def __init__(self, model_name, inputs, arguments):
        """inputs: datatypes by name, as `TYPE_FP32`. Raises ValueError naming what doesn't fit."""
        self._is_dict = len(arguments) == 1 and arguments[0].kind == "dict"
        self._names = {} if self._is_dict else _choose_arguments(model_name, list(inputs), arguments)
        _refuse_kinds(model_name, inputs, arguments, self._names)
        # Only by position can more values be given than there are names.
        self._is_positional = None in self._names.values()

    def call(self, model, inputs):
        """Calls the model with `{name: tensor or list of str}`."""
        if self._is_dict:
            return model(inputs)
        if self._is_positional:
            return model(*(inputs[name] for name in self._names if name in inputs))
        return model(**{self._names[name]: value for name, value in inputs.items()})


def _choose_arguments(model_name, inputs, arguments):
    """The name of the argument for each input, in the order of the arguments; None: one of `*args`."""
    kinds = [one.kind for one in arguments]
    names = [one.name for one in arguments if one.kind not in ("args", "kwargs")]
    # Those behind `*args` have no position.
    ordered = names[: kinds.index("args")] if "args" in kinds else names
    required = [one.name for one in arguments if one.required]
    if set(inputs) <= set(names) or ("kwargs" in kinds and set(required) <= set(inputs)):
        chosen = {name: name for name in inputs}
    else:
        chosen = {name: ordered[at] if at < len(ordered) else None for name, at in _positions(inputs).items()}
    given = [name for name in chosen.values() if name is not None or "args" not in kinds]
    if not set(required) <= set(given) or None in given or len(set(given)) < len(given):
        raise ValueError(
            f"model '{model_name}': forward takes ({', '.join(one.name for one in arguments)}), the configuration has the inputs "
            f"({', '.join(inputs)}): name them as the arguments, or INPUT__0, INPUT__1, … in their order"
        )
    return chosen


def _refuse_kinds(model_name, inputs, arguments, chosen):
    """Raises ValueError for an argument that no input can be, or not this one."""
    by_argument = {argument: name for name, argument in chosen.items()}
    for argument in arguments:
        where = f"model '{model_name}': argument '{argument.name}' of forward"
        given = by_argument.get(argument.name)
        if argument.kind == "dict" and given is not None:
            raise ValueError(
                f"{where} is a dictionary beside other arguments: expected a dictionary as its only argument, or tensors"
            )
        if argument.kind not in _KINDS and (given is not None or argument.required):
            raise ValueError(
                f"{where} is of type {argument.kind}: expected Tensor, List[str] or, alone, Dict[str, Tensor], or a default "
                "and no input of its name"
            )
        if given is not None and argument.kind in _DATATYPES and (inputs[given] == "TYPE_STRING") != (argument.kind == "strings"):
            raise ValueError(f"{where} is {_DATATYPES[argument.kind]}, the configuration has {inputs[given]} for input '{given}'")


_DATATYPES = {"tensor": "a tensor", "strings": "a list of str (TYPE_STRING)"}
_KINDS = ("tensor", "strings", "dict", "value", "args", "kwargs")


def outputs_by_name(result, output_names):
    """The outputs of a call by their names in the configuration. Raises ValueError naming what is missing."""
    fields = _fields(result)
    if fields is not None and all(name in fields for name in output_names):
        return {name: fields[name] for name in output_names}
    are_positions = all(_POSITION.search(name) for name in output_names)
    if isinstance(result, dict) and not are_positions:
        missing = next(name for name in output_names if name not in result)
        raise ValueError(f"forward gave no output '{missing}', it gave {', '.join(map(str, result)) or 'none'}")
    if fields is not None:
        result = tuple(fields.values())
    is_several = isinstance(result, (tuple, list)) and not _is_strings(result)
    values = list(result) if is_several else [result]
    positions = _positions(output_names)
    for name, at in positions.items():
        if at >= len(values):
            raise ValueError(f"output '{name}' is number {at} of what forward gives, but it gave {len(values)}")
    return {name: values[at] for name, at in positions.items()}


def _fields(result):
    """What a call gave, by name: of a dictionary, a named tuple, or an object of a dataclass; None when it has no names."""
    if isinstance(result, dict):
        return result
    if dataclasses.is_dataclass(result):
        return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return result._asdict() if hasattr(result, "_asdict") else None


def _positions(names):
    """The positions that names end in; their order, when one of them ends in none."""
    found = [_POSITION.search(name) for name in names]
    if all(found):
        return dict(sorted(((name, int(match[1])) for name, match in zip(names, found)), key=lambda pair: pair[1]))
    return {name: at for at, name in enumerate(names)}


def _is_strings(value):
    """Whether a list is one output; an empty one is, as tensors come in lists that have some."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _script_argument(argument):
    declared = argument.type.getElementType() if argument.type.kind() == "OptionalType" else argument.type
    kind = declared.kind()
    if kind == "ListType" and declared.getElementType().kind() == "StringType":
        kind = "StringsType"
    kinds = {"TensorType": "tensor", "DictType": "dict", "StringsType": "strings"}
    return Argument(argument.name, kinds.get(kind, str(argument.type)), not argument.has_default_value())


_OTHERS = {inspect.Parameter.VAR_POSITIONAL: "args", inspect.Parameter.VAR_KEYWORD: "kwargs"}


def _python_argument(parameter, hint):
    if parameter.kind in _OTHERS:
        return Argument(parameter.name, _OTHERS[parameter.kind], required=False)
    is_dict = hint is dict or typing.get_origin(hint) is dict
    kind = "dict" if is_dict else "tensor" if hint is torch.Tensor else "value"
    return Argument(parameter.name, kind, parameter.default is inspect.Parameter.empty)


def _hints(forward):
    try:
        return typing.get_type_hints(forward)
    except (NameError, TypeError):
        # Annotations for type checkers alone: they say nothing that can be looked up.
        return {}
