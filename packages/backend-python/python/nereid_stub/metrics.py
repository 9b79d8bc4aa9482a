"""The model's own metrics, on the server's metrics page."""

import itertools

from .errors import TritonModelException

_numbers = itertools.count()


class Metric:
    """One series of a family."""

    def __init__(self, family, labels, buckets):
        self._family = family
        self._value = 0.0
        self._number = next(_numbers)
        from . import runtime

        header = {"kind": "metric_new", "metric": self._number, "family": family.describe(), "labels": labels or {}}
        if buckets is not None:
            header["buckets"] = list(buckets)
        runtime.current().channel.send(header)

    def increment(self, value):
        self._require("increment", MetricFamily.COUNTER, MetricFamily.GAUGE)
        if self._family.kind == MetricFamily.COUNTER and value < 0:
            raise TritonModelException(
                f"metric '{self._family.name}': a counter can't be incremented by {value}", "INVALID_ARG"
            )
        self._value += value
        self._send("increment", value)

    def set(self, value):
        self._require("set", MetricFamily.GAUGE)
        self._value = float(value)
        self._send("set", value)

    def observe(self, value):
        self._require("observe", MetricFamily.HISTOGRAM)
        self._send("observe", value)

    def value(self):
        """What this process has counted; not for histograms."""
        self._require("value", MetricFamily.COUNTER, MetricFamily.GAUGE)
        return self._value

    def _require(self, action, *kinds):
        if self._family.kind not in kinds:
            raise TritonModelException(
                f"metric '{self._family.name}' is a {self._family.kind}, which has no {action}()", "UNSUPPORTED"
            )

    def _send(self, action, value):
        from . import runtime

        runtime.current().channel.send(
            {"kind": "metric", "metric": self._number, "action": action, "value": float(value)}
        )


class MetricFamily:
    """Metrics of one name. Families of the same name and kind are one, whichever model makes them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"

    def __init__(self, name, description, kind):
        if kind not in (self.COUNTER, self.GAUGE, self.HISTOGRAM):
            raise TritonModelException(f"metric '{name}': unknown kind {kind!r}", "INVALID_ARG")
        self.name = name
        self.description = description
        self.kind = kind

    def describe(self):
        return {"name": self.name, "description": self.description, "kind": self.kind}

    def Metric(self, labels=None, buckets=None):  # noqa: N802 - the name that models use
        """A series with these labels; `buckets` (upper bounds) are for histograms."""
        if self.kind == self.HISTOGRAM and not buckets:
            raise TritonModelException(f"metric '{self.name}': a histogram needs buckets", "INVALID_ARG")
        return Metric(self, labels, buckets)
