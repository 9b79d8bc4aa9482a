"""Trains a random forest on scikit-learn's breast cancer data, saves it, and prints what it held back for a test.

    python train.py <model file>
"""

import json
import sys

import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

data = load_breast_cancer()
train_rows, rows, train_classes, classes = train_test_split(data.data, data.target, test_size=0.2, random_state=0)
rows = rows.astype("float32")

forest = RandomForestClassifier(n_estimators=100, random_state=0).fit(train_rows, train_classes)
skops.io.dump(forest, sys.argv[1])

held_back = {"rows": rows.tolist(), "classes": classes.tolist(), "probabilities": forest.predict_proba(rows).tolist()}
json.dump(held_back, sys.stdout)
