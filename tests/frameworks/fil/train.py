"""Trains forests on data that comes with scikit-learn, and writes them as a model repository.

    python train.py <folder>

Beside the models stands cases.json: rows of each model, and what the library that trained it answers to them.
"""

import base64
import json
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import skops.io
import treelite
import xgboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier

ROWS = 40
BINARY, CLASSES, VALUES = (load(return_X_y=True) for load in (load_breast_cancer, load_iris, load_diabetes))
PROBABILITIES = {"predict_proba": "true"}


def main(folder):
    warnings.filterwarnings("ignore")
    cases = [*make_cases(folder), make_legacy_case(folder)]
    no_forest = folder / "models" / "no_forest" / "1"
    no_forest.mkdir(parents=True)
    joblib.dump(DecisionTreeClassifier().fit(*CLASSES), no_forest / "model.joblib")
    (folder / "cases.json").write_text(json.dumps(cases))


def make_cases(folder):
    def case(name, data, file, save, expected, parameters=None, config=None):
        version = folder / "models" / name / "1"
        version.mkdir(parents=True)
        save(str(version / file))
        if parameters is not None or config is not None:
            (version.parent / "config.pbtxt").write_text(to_config(parameters or {}, config))
        rows = as_float32(data)
        # JSON has no NaN, which stands for a missing value.
        written = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
        return {"name": name, "rows": written, "expected": np.reshape(expected(rows), (len(rows), -1)).tolist()}

    model = train(xgboost.XGBClassifier(n_estimators=20), BINARY)
    yield case("xgb_binary", BINARY, "xgboost.json", model.save_model, model.predict)
    yield case(
        "xgb_binary_proba", BINARY, "xgboost.ubj", model.save_model, lambda x: model.predict_proba(x)[:, 1], PROBABILITIES
    )
    yield case(
        "xgb_binary_two_columns",
        BINARY,
        "forest.json",
        model.save_model,
        model.predict_proba,
        {"model_type": "xgboost_json", **PROBABILITIES},
        tensors(30, 2) + 'default_model_filename: "forest.json"\n',
    )
    yield case(
        "xgb_threshold",
        BINARY,
        "xgboost.json",
        model.save_model,
        lambda x: model.predict_proba(x)[:, 1] > 0.9,
        {"threshold": "0.9", "output_class": "true", "storage_type": "AUTO"},
    )
    model = train(xgboost.XGBClassifier(n_estimators=20), CLASSES)
    yield case("xgb_classes", CLASSES, "xgboost.ubj", model.save_model, model.predict)
    yield case("xgb_classes_proba", CLASSES, "xgboost.json", model.save_model, model.predict_proba, PROBABILITIES)
    model = train(xgboost.XGBRegressor(n_estimators=20), VALUES)
    yield case("xgb_values", VALUES, "xgboost.json", model.save_model, model.predict)
    pair = np.stack([VALUES[1], -VALUES[1]], axis=1)
    both = train(xgboost.XGBRegressor(n_estimators=20, multi_strategy="multi_output_tree"), (VALUES[0], pair))
    yield case("xgb_two_values", VALUES, "xgboost.json", both.save_model, both.predict)

    gaps = with_gaps(VALUES)
    missing = train(xgboost.XGBRegressor(n_estimators=20), gaps)
    yield case("xgb_missing", gaps, "xgboost.ubj", missing.save_model, missing.predict)
    kinds = {"feature_types": ["c"] + ["q"] * 9, "enable_categorical": True}
    # The first column is a number of a category.
    data = (np.column_stack([np.arange(len(gaps[0])) % 7, gaps[0][:, 1:]]), gaps[1] + 100 * (np.arange(len(gaps[0])) % 7 == 3))
    categories = xgboost.train({"max_cat_to_onehot": 1}, xgboost.DMatrix(as_float32(data, len(data[0])), data[1], **kinds), 20)
    yield case(
        "xgb_categories", data, "xgboost.json", categories.save_model, lambda x: categories.predict(xgboost.DMatrix(x, **kinds))
    )
    stopped = xgboost.XGBClassifier(n_estimators=100, early_stopping_rounds=2)
    stopped.fit(BINARY[0][::2], BINARY[1][::2], eval_set=[(BINARY[0][1::2], BINARY[1][1::2])], verbose=False)
    booster = stopped.get_booster()
    all_trees = lambda x: booster.predict(xgboost.DMatrix(x)) > 0.5  # noqa: E731
    yield case("xgb_stopped", BINARY, "xgboost.json", stopped.save_model, all_trees, config='platform: "fil"')
    best = lambda path: booster[: stopped.best_iteration + 1].save_model(path)  # noqa: E731
    yield case("xgb_best", BINARY, "xgboost.json", best, stopped.predict)

    numbered = train(lightgbm.LGBMRegressor(n_estimators=20, verbose=-1, min_child_samples=5), data, categorical_feature=[0])
    yield case("lgb_categories", data, "model.txt", numbered.booster_.save_model, numbered.predict)
    model = train(lightgbm.LGBMClassifier(n_estimators=20, verbose=-1), BINARY)
    yield case("lgb_binary", BINARY, "model.txt", model.booster_.save_model, model.predict)
    own = train(lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, objective="multiclassova"), CLASSES)
    yield case("lgb_ova", CLASSES, "model.txt", own.booster_.save_model, own.booster_.predict, PROBABILITIES)
    values = train(lightgbm.LGBMRegressor(n_estimators=20, verbose=-1), VALUES)
    yield case("lgb_values", VALUES, "model.txt", values.booster_.save_model, values.predict, {"is_classifier": "false"})

    model = train(RandomForestClassifier(20, random_state=0), CLASSES)
    yield case("rf_joblib", CLASSES, "model.joblib", lambda path: joblib.dump(model, path), model.predict)
    yield case("rf_pickle", CLASSES, "model.pkl", pickled(model), model.predict_proba, PROBABILITIES)
    extra = train(ExtraTreesClassifier(20, random_state=0), BINARY)
    yield case("extra_skops", BINARY, "model.skops", lambda path: skops.io.dump(extra, path), extra.predict)
    boosted = train(GradientBoostingClassifier(n_estimators=20), BINARY)
    checkpoint = treelite.sklearn.import_model(boosted).serialize
    yield case("gb_checkpoint", BINARY, "checkpoint.tl", checkpoint, boosted.predict)
    forest = train(RandomForestRegressor(20, random_state=0), VALUES)
    yield case("rf_values", VALUES, "model.pkl", pickled(forest), forest.predict)
    histogram = train(HistGradientBoostingRegressor(max_iter=20), VALUES)
    yield case("histogram_values", VALUES, "model.pkl", pickled(histogram), histogram.predict)
    anomalies = IsolationForest(n_estimators=20, random_state=0).fit(as_float32(VALUES, len(VALUES[0])))
    yield case("anomalies", VALUES, "model.pkl", pickled(anomalies), lambda x: -anomalies.score_samples(x))


def make_legacy_case(folder):
    """XGBoost's old binary format, which its newer releases can't write."""
    legacy = json.loads(Path(__file__).with_name("legacy-xgboost.json").read_text())
    version = folder / "models" / "xgb_legacy" / "1"
    version.mkdir(parents=True)
    (version / "xgboost.model").write_bytes(base64.b64decode(legacy["file"]))
    (version.parent / "config.pbtxt").write_text(to_config(PROBABILITIES, None))
    return {"name": "xgb_legacy", "rows": legacy["rows"], "expected": legacy["expected"]}


def as_float32(data, count=ROWS):
    """Rows from all over the data, whose beginning may be of one class, as they reach the server."""
    rows = data[0]
    return rows[:: max(1, len(rows) // count)][:count].astype(np.float32)


def with_gaps(data):
    """The data with every fifth value missing."""
    rows = data[0].copy()
    rows[np.arange(rows.size).reshape(rows.shape) % 5 == 0] = np.nan
    return rows, data[1]


def train(model, data, **options):
    return model.fit(data[0].astype(np.float32), data[1], **options)


def pickled(model):
    return lambda path: Path(path).write_bytes(pickle.dumps(model))


def tensors(features, columns):
    return f"""max_batch_size: 64
input [ {{ name: "input__0" data_type: TYPE_FP32 dims: [ {features} ] }} ]
output [ {{ name: "output__0" data_type: TYPE_FP32 dims: [ {columns} ] }} ]
"""


def to_config(parameters, more):
    lines = [f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in parameters.items()]
    backend = [] if more is not None and "platform" in more else ['backend: "fil"']
    return "\n".join([*backend, *lines, more or ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
