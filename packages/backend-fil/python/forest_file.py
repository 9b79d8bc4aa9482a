"""Which file of the version folder is the forest, and what it is read as."""

import mmap
import os
import re
from dataclasses import dataclass
from functools import lru_cache

import triton_python_backend_utils as pb_utils

from .errors import model_error
from .model_types import MODEL_TYPES


@dataclass(frozen=True)
class ForestFile:
    path: str
    model_type: str


def find_forest_file(config, model_type, folder):
    """The file that `default_model_filename` names, otherwise the default one of the model type.

    Without a `model_type` the name of the file tells it: it is a default name, or ends like one.
    """
    named = config.get("default_model_filename", "")
    if model_type is not None:
        # A default name of another type was not chosen by anybody: it is what the backend comes first with.
        is_chosen = named and not _is_default_name(named)
        names = (named,) if is_chosen else MODEL_TYPES[model_type].files
        return ForestFile(_first_file(config, folder, names), model_type)
    # The default name is that of a file which is there, if one is.
    names = (named,) if named and not _is_default_name(named) else tuple(filter(None, dict.fromkeys((named, *_all_default_names()))))
    path = _first_file(config, folder, names)
    return ForestFile(path, _type_of_name(config, os.path.basename(path)))


def load_forest(config, file, parameters):
    """The Treelite model in a file."""
    what = MODEL_TYPES[file.model_type].what
    try:
        model = _read(file, parameters["xgboost_allow_unknown_field"])
    except ImportError as error:
        raise model_error(
            config,
            f"{what} needs a package that is not installed ({error}): name it, in the version that the model was saved "
            "with, in a requirements.txt in the folder of the model",
        ) from error
    except Exception as error:
        raise model_error(config, f"{file.path} can't be read as {what}: {_first_line(error)}") from error
    if file.model_type in _OF_XGBOOST and _has_best_iteration(file.path):
        pb_utils.Logger.log_warn(
            f"model '{config['name']}': training was stopped early, but all trees of {file.path} answer, as they do in Triton. "
            "XGBClassifier and XGBRegressor use those up to the best iteration: save model.get_booster()[:model.best_iteration + 1]"
        )
    return model


_OF_XGBOOST = ("xgboost", "xgboost_json", "xgboost_ubj")


def _has_best_iteration(path):
    """Whether XGBoost has noted one in a file of any of its formats, which Treelite leaves out."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"best_iteration") >= 0


# The process that completes the configuration goes on as an instance: it reads the file once for both.
@lru_cache(maxsize=1)
def _read(file, allow_unknown_field):
    if file.model_type == "sklearn":
        pb_utils.Logger.log_warn(
            f"{file.path} is a pickle, which runs any code that is in it: serve it only if you trust whoever made it, "
            "or save it with skops"
        )
    return MODEL_TYPES[file.model_type].load(file.path, allow_unknown_field)


def _first_file(config, folder, names):
    found = next((name for name in names if os.path.isfile(os.path.join(folder, name))), None)
    if found is not None:
        return os.path.join(folder, found)
    there = ", ".join(sorted(os.listdir(folder))) or "nothing"
    raise model_error(config, f"expected {' or '.join(names)} in {folder}, found {there}")


def _type_of_name(config, name):
    for by_default in (True, False):
        for model_type, row in MODEL_TYPES.items():
            if name in row.files if by_default else name.endswith(tuple(_ending(file) for file in row.files)):
                return model_type
    raise model_error(
        config,
        f"file name {name} does not tell what it is: expected parameter 'model_type', one of {', '.join(MODEL_TYPES)}",
    )


def _all_default_names():
    return [name for row in MODEL_TYPES.values() for name in row.files]


def _is_default_name(name):
    return name in _all_default_names()


def _ending(name):
    return os.path.splitext(name)[1]


def _first_line(error):
    """Treelite's messages begin and go on with where in its sources they come from."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", lines[0]) if lines else type(error).__name__
