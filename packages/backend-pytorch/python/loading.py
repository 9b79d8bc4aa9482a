"""Loads a model: a TorchScript file, or a module in Python with a file of weights."""

import importlib
import importlib.util
import os
import re
import sys
import warnings
import zipfile

import torch

_WEIGHTS = (".pt", ".pth", ".safetensors")


def find_model(directory, filename):
    """The model's file and, of one in Python, that of its weights (None: it has none).

    A `model.py` beside `model.pt` makes the latter its weights, unless that is TorchScript, which needs no code.
    Raises ValueError naming the missing file.
    """
    path = os.path.join(directory, filename or "model.pt")
    if _is_script(path):
        return path, None
    code = path if path.endswith(".py") else os.path.splitext(path)[0] + ".py"
    if os.path.isfile(code):
        stem = os.path.splitext(path)[0]
        return code, next((stem + end for end in _WEIGHTS if os.path.isfile(stem + end)), None)
    if not os.path.isfile(path):
        raise ValueError(f"there is no {path}: expected a TorchScript file, or a .py beside its weights")
    if path.endswith(".pt2"):
        raise ValueError(f"{path}: packages of torch.export (platform torch_aoti) can't be served: save TorchScript")
    return path, None


def load_script(path, device, libraries):
    """A TorchScript model in evaluation mode. device: None leaves it where its file says.

    libraries: files with operators that the model needs. Those of a package, as torchvision's, are there once it is
    imported, which is done for the packages that the operators are named after.

    Raises ValueError when the file is something else, or naming the operator or the library that is missing.
    """
    for library in libraries:
        _load_operators(library)
    # What lies beside the model can be imported, too.
    sys.path.insert(0, os.path.dirname(path))
    imported = set()
    while True:
        try:
            return _read_script(path, device).eval()
        except RuntimeError as error:
            _import_operators(path, error, imported)


def _read_script(path, device):
    with warnings.catch_warnings():
        # It is deprecated for those who write models; these are there.
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.load(path, map_location=device)


def _load_operators(library):
    try:
        torch.ops.load_library(library)
    except OSError as error:
        raise ValueError(f"model_operations: PyTorch can't load {library}: {error}") from error


def _import_operators(path, error, imported):
    """Imports the package of an operator that is missing. Raises ValueError when that is not what is wrong, or didn't help."""
    missing = re.search(r"Unknown builtin op: ((\w+)::\w+)", str(error))
    if missing is None:
        raise ValueError(_describe_unread(path, error)) from error
    operator, package = missing.groups()
    try:
        if package in imported:
            raise ImportError(f"{package} doesn't bring it")
        importlib.import_module(package)
    except ImportError as reason:
        raise ValueError(
            f"{path} needs operator {operator}, which this Python has not ({reason}): name its package in a requirements.txt "
            "beside the model, or its library in model_operations { op_library_filename: … }"
        ) from error
    imported.add(package)


def _describe_unread(path, error):
    reason = _first_sentence(error)
    if _is_script(path):
        return f"PyTorch {torch.__version__} can't load the TorchScript of {path}: {reason}"
    return (
        f"{path} is not TorchScript ({reason}): write it with torch.jit.script(model).save(…), "
        "or put the class of the model into a .py of the same name beside its weights"
    )


def _is_script(path):
    """Whether a file is TorchScript, which alone has constants: an archive of weights has not."""
    if not os.path.isfile(path) or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def load_module(code, weights, class_name, device):
    """The model of a Python file in evaluation mode, with its weights. device: None leaves it where it is made.

    Raises ValueError naming the file, the class or the weights that don't fit.
    """
    model_class = _find_class(_import(code), class_name, code)
    try:
        model = model_class()
    except TypeError as error:
        raise ValueError(
            f"{code}: {model_class.__name__}() failed: {error}. It is made without arguments: give them defaults"
        ) from error
    if weights is not None:
        state = _read_weights(weights, device)
        try:
            model.load_state_dict(state)
        except (RuntimeError, AttributeError, TypeError) as error:
            raise ValueError(f"{weights} has no weights for {model_class.__name__} of {code}: {error}") from error
    return (model if device is None else model.to(device)).eval()


def _read_weights(path, device):
    """The `state_dict` in a file. Raises ValueError naming it when it can't be read as one."""
    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            return load_file(path, device=str(device or "cpu"))
        return torch.load(path, map_location=device, weights_only=True)
    except ImportError:
        raise
    except Exception as error:
        # What the readers raise of wrong bytes is of no common type: a KeyError of a byte, an error of a library.
        how = "safetensors.torch.save_file" if path.endswith(".safetensors") else "torch.save"
        raise ValueError(
            f"{path} has no weights that can be read ({type(error).__name__}: {_first_sentence(error)}): "
            f"write it with {how}(model.state_dict(), …)"
        ) from error


def _first_sentence(error):
    lines = str(error).splitlines()
    return lines[0].split(". ")[0] if lines else type(error).__name__


def _import(path):
    """The module of a file; what lies beside it can be imported, and comes before what the backend has."""
    sys.path.insert(0, os.path.dirname(path))
    name = "nereid_served_model"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{error.filename}, line {error.lineno}: {error.msg}") from error
    return module


def _find_class(module, class_name, path):
    """The class of the model: the one that is asked for, or the only one that the file itself defines."""
    classes = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, torch.nn.Module) and value.__module__ == module.__name__
    }
    if class_name is None and len(classes) == 1:
        return next(iter(classes.values()))
    if class_name in classes:
        return classes[class_name]
    found = ", ".join(classes) or "none"
    if class_name is not None:
        raise ValueError(f"{path}: expected a torch.nn.Module named {class_name} (parameter MODEL_CLASS), found {found}")
    raise ValueError(f"{path}: expected one class that is a torch.nn.Module, found {found}: set parameter MODEL_CLASS")
