"""The formats of forests: Triton's names for them, their default file names, and how each is read."""

from dataclasses import dataclass
from typing import Callable

import treelite


@dataclass(frozen=True)
class ModelType:
    files: tuple
    """Default names in the version folder."""
    what: str
    """In words, for messages."""
    load: Callable
    """Makes a Treelite model of a path; the second argument says whether XGBoost files may have unknown fields."""


def _load_xgboost(format_choice):
    def load(path, allow_unknown_field):
        return treelite.frontend.load_xgboost_model(
            path, format_choice=format_choice, allow_unknown_field=allow_unknown_field
        )

    return load


def _load_legacy_xgboost(path, _):
    with open(path, "rb") as file:
        if file.read(1) == b"{":
            raise ValueError(
                "XGBoost writes UBJSON to files of this name since its release 2.1: use model_type xgboost_ubj"
            )
    return treelite.frontend.load_xgboost_model_legacy_binary(path)


def _load_lightgbm(path, _):
    return treelite.frontend.load_lightgbm_model(path)


def _load_checkpoint(path, _):
    return treelite.Model.deserialize(path)


def _load_sklearn(path, _):
    import joblib

    return _import_model(joblib.load(path))


def _load_skops(path, _):
    from skops.io import get_untrusted_types, load

    unknown = [name for name in get_untrusted_types(file=path) if name not in _TREE_TYPES]
    if unknown:
        raise ValueError(f"the file has types that are not known to be safe: {', '.join(unknown)}")
    return _import_model(load(path, trusted=_TREE_TYPES))


def _import_model(model):
    try:
        return treelite.sklearn.import_model(model)
    except treelite.TreeliteError as error:
        if "Not supported model type" not in str(error):
            raise
        raise ValueError(
            f"expected a RandomForest, ExtraTrees, GradientBoosting, HistGradientBoosting or IsolationForest, found "
            f"{type(model).__name__}; models of XGBoost and LightGBM are saved with their own save_model"
        ) from error


# Every forest of scikit-learn has one of these: arrays of numbers, which skops does not list itself.
_TREE_TYPES = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]

MODEL_TYPES = {
    "xgboost_json": ModelType(("xgboost.json",), "an XGBoost model in JSON", _load_xgboost("json")),
    "xgboost_ubj": ModelType(("xgboost.ubj",), "an XGBoost model in UBJSON", _load_xgboost("ubjson")),
    "xgboost": ModelType(("xgboost.model",), "an XGBoost model in its old binary format", _load_legacy_xgboost),
    "treelite_checkpoint": ModelType(("checkpoint.tl",), "a Treelite checkpoint", _load_checkpoint),
    "lightgbm": ModelType(("model.txt",), "a LightGBM model as text", _load_lightgbm),
    "sklearn": ModelType(("model.joblib", "model.pkl"), "a pickled scikit-learn model", _load_sklearn),
    "skops": ModelType(("model.skops",), "a scikit-learn model of skops", _load_skops),
}
