"""A request as the model sees it."""

import json

from .exact import from_wire, parameters_from_wire
from .memory import MemoryType, PreferredMemory
from .response import InferenceResponseSender
from .tensors import unpack

TRITONSERVER_REQUEST_FLAG_SEQUENCE_START = 1
TRITONSERVER_REQUEST_FLAG_SEQUENCE_END = 2
TRITONSERVER_REQUEST_RELEASE_ALL = 1
TRITONSERVER_REQUEST_RELEASE_RESCHEDULE = 2


class ReceivedRequest:
    """A request of the server; the methods are those of `InferenceRequest`."""

    __slots__ = ("_fields", "_inputs", "_model", "_channel", "_batch", "_index", "_state", "_release", "_sender", "_decoupled", "_batch_inputs")

    def __init__(self, fields, inputs, model, channel, batch, index, state, decoupled):
        self._fields = fields
        self._inputs = inputs
        self._model = model
        self._channel = channel
        self._batch = batch
        self._index = index
        self._state = state
        self._release = TRITONSERVER_REQUEST_RELEASE_ALL
        self._sender = None
        self._decoupled = decoupled
        # Of the whole batch, as `batch_input` of the configuration wants them.
        self._batch_inputs = ()

    @property
    def model_name(self):
        return self._model["model_name"]

    @property
    def model_version(self):
        return int(self._model["model_version"])

    def request_id(self):
        return self._fields.get("id", "")

    def correlation_id(self):
        """Number or text of the sequence; 0 outside of one."""
        return from_wire(self._fields.get("correlation_id", 0))

    def flags(self):
        return self._fields.get("flags", 0)

    def set_flags(self, flags):
        self._fields["flags"] = flags

    def inputs(self):
        return self._inputs

    def requested_output_names(self):
        return list(self._fields["outputs"])

    def parameters(self):
        """The custom parameters as JSON text."""
        return json.dumps(parameters_from_wire(self._fields.get("parameters", {})))

    def priority(self):
        return self._fields.get("priority", 0)

    def timeout(self):
        """Microseconds that the client gave the request; 0: no limit."""
        return self._fields.get("timeout", 0)

    def preferred_memory(self):
        """Outputs are in the CPU's memory, whatever is preferred."""
        return PreferredMemory(MemoryType.TRITONSERVER_MEMORY_CPU)

    def trace(self):
        """Handed on to a request of `InferenceRequest`, makes it a child of this one."""
        return InferenceTrace(self._fields.get("trace"), (self._batch, self._index))

    def _record_activity(self, name):
        if self._fields.get("traced", False):
            self._channel.send({"kind": "activity", "batch": self._batch, "index": self._index, "name": name})

    def is_cancelled(self):
        """Whether the client has gone or cancelled."""
        self._channel.poll()
        return self._state.is_cancelled

    def set_release_flags(self, flags):
        self._release = flags

    def get_response_sender(self):
        if self._sender is None:
            self._sender = InferenceResponseSender(self, frozenset(self._fields["outputs"]))
        return self._sender


class InferenceTrace:
    """The trace of a request, to be handed on to the requests it causes."""

    def __init__(self, context=None, request=None):
        self._context = context
        # Batch and index of the request that it belongs to.
        self._request = request

    def get_context(self):
        """The W3C trace context as JSON text; None when the request is not traced."""
        return None if self._context is None else json.dumps(self._context)


def receive_batch(header, data, model, channel, decoupled):
    """The requests of an `execute` frame."""
    batch, at, requests = header["batch"], 0, []
    for index, (fields, state) in enumerate(zip(header["requests"], header["states"])):
        inputs, at = unpack(fields["inputs"], data, at, channel.borrow)
        requests.append(ReceivedRequest(fields, inputs, model, channel, batch, index, state, decoupled))
    if "batch_inputs" in header:
        made, _ = unpack(header["batch_inputs"], data, at)
        for request in requests:
            request._batch_inputs = made
    return requests
