"""What a forest answers: classes, probabilities or values."""

import numpy as np
import treelite

from .errors import model_error

# Treelite's task types.
_BINARY, _REGRESSOR, _MULTICLASS = 0, 1, 2
_CLASSIFIERS = (_BINARY, _MULTICLASS)
_DEFAULT_THRESHOLD = 0.5


class Forest:
    """A Treelite model, and what is asked of it."""

    def __init__(self, model, config, parameters):
        self._model = model
        header = model.get_header_accessor()
        self._classes = int(header.get_field("num_class")[0])
        self._targets = int(header.get_field("num_target")[0])
        task = int(header.get_field("task_type")[0])
        self.features = model.num_feature
        self._is_classifier = _first_given(
            parameters["output_class"], parameters["is_classifier"], task in _CLASSIFIERS
        )
        self._predicts_probabilities = parameters["predict_proba"]
        self._threshold = _first_given(parameters["threshold"], _DEFAULT_THRESHOLD)
        self._threads = parameters["cpu_nthread"]
        if self._is_classifier and self._targets > 1:
            raise model_error(config, f"classifiers of one target are served, found {self._targets} targets")

    @property
    def columns(self):
        """Sizes that the output of a row may have, the usual one first."""
        if self._answers_classes:
            return (1,)
        if self._is_classifier and self._classes == 1:
            return (1, 2)
        return (self._targets * self._classes,)

    @property
    def has_threshold(self):
        """Whether a threshold decides: a forest that says a probability for each class takes the largest."""
        return self._answers_classes and self._classes == 1

    def predict(self, rows, columns):
        """The answers for rows of features: an array of as many rows and that many columns."""
        raw = treelite.gtil.predict(self._model, rows, nthread=self._threads).reshape(len(rows), -1)
        if self._answers_classes:
            return self._to_classes(raw)
        if columns == raw.shape[1]:
            return raw
        # Both probabilities of a binary classifier, whose forest says only that of the second class.
        return np.concatenate([1 - raw, raw], axis=1)

    @property
    def _answers_classes(self):
        return self._is_classifier and not self._predicts_probabilities

    def _to_classes(self, raw):
        if self.has_threshold:
            return raw > self._threshold
        return raw.argmax(axis=1, keepdims=True)


def _first_given(*values):
    return next(value for value in values if value is not None)
