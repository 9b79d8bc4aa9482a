"""The model's own metrics, on the server's metrics page."""

import enum
import itertools
import math

from . import runtime
from .errors import TritonModelException, raise_for

_numbers = itertools.count()


class MetricKind(enum.Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric:
    """One series of a family. Series of the same labels are one, whichever model or instance makes them."""

    def __init__(self, family, labels, buckets):
        self._family = family
        self._number = next(_numbers)
        header = {"kind": "metric_new", "metric": self._number, "family": family.describe(), "labels": labels}
        if buckets is not None:
            header["buckets"] = buckets
        _ask(header)

    def increment(self, value):
        """Adds; to a counter nothing negative."""
        self._require("increment", MetricKind.COUNTER, MetricKind.GAUGE)
        if self._family.kind == MetricKind.COUNTER and value < 0:
            raise TritonModelException(
                f"metric '{self._family.name}': a counter can't be incremented by {value}", "INVALID_ARG"
            )
        self._send("increment", value)

    def set(self, value):
        self._require("set", MetricKind.GAUGE)
        self._send("set", value)

    def observe(self, value):
        self._require("observe", MetricKind.HISTOGRAM)
        self._send("observe", value)

    def value(self):
        """The number on the metrics page, to which others may have added; not for histograms."""
        self._require("value", MetricKind.COUNTER, MetricKind.GAUGE)
        return float(_ask({"kind": "metric_value", "metric": self._number}))

    def _require(self, action, *kinds):
        if self._family.kind not in kinds:
            raise TritonModelException(
                f"metric '{self._family.name}' is a {self._family.kind.value}, which has no {action}()", "UNSUPPORTED"
            )

    def _send(self, action, value):
        value = float(value)
        if not math.isfinite(value):
            raise TritonModelException(
                f"metric '{self._family.name}': {action}() expects a finite number, found {value}", "INVALID_ARG"
            )
        runtime.current().channel.send(
            {"kind": "metric", "metric": self._number, "action": action, "value": value}
        )


class MetricFamily:
    """Metrics of one name. Families of the same name and kind are one, whichever model makes them."""

    COUNTER, GAUGE, HISTOGRAM = MetricKind

    def __init__(self, name, description, kind):
        if not isinstance(kind, MetricKind):
            raise TritonModelException(
                f"metric '{name}': expected a kind such as MetricFamily.COUNTER, found {kind!r}", "INVALID_ARG"
            )
        self.name = name
        self.description = description
        self.kind = kind

    def describe(self):
        return {"name": self.name, "description": self.description, "kind": self.kind.value}

    def Metric(self, labels=None, buckets=None):  # noqa: N802 - the name that models use
        """A series with these labels; `buckets` (upper bounds, ascending) are for histograms, which need them.

        Raises TritonModelException for a name or labels that can't be, and for a name that is taken by another kind.
        """
        if (self.kind == MetricKind.HISTOGRAM) != bool(buckets):
            expected = "needs buckets" if self.kind == MetricKind.HISTOGRAM else "has no buckets"
            raise TritonModelException(f"metric '{self.name}': a {self.kind.value} {expected}", "INVALID_ARG")
        bounds = [float(bound) for bound in buckets] if buckets else None
        if bounds is not None and any(low >= high for low, high in itertools.pairwise(bounds)):
            raise TritonModelException(f"metric '{self.name}': buckets must ascend, found {bounds}", "INVALID_ARG")
        return Metric(self, {str(name): str(value) for name, value in (labels or {}).items()}, bounds)


def _ask(header):
    calls = runtime.current().calls
    answer, _ = calls.next(calls.ask(header))
    raise_for(answer)
    return answer.get("value")
