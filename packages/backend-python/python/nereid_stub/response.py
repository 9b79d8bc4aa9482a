"""What a model answers, and how it answers one request several times."""

import json
import threading

from .errors import TritonError, TritonModelException
from .tensors import pack

TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1


class InferenceResponse:
    """The outputs of one request, or an error, in which case the outputs are ignored."""

    def __init__(self, output_tensors=(), error=None, parameters=None):
        if isinstance(error, str):
            error = TritonError(error)
        if parameters is not None and not isinstance(parameters, dict):
            raise TypeError(f"response parameters: expected a dict, found {type(parameters).__name__}")
        self._tensors = list(output_tensors)
        self._error = error
        self._parameters = parameters or {}

    def output_tensors(self):
        return self._tensors

    def has_error(self):
        return self._error is not None

    def error(self):
        return self._error

    def parameters(self):
        """The parameters as JSON text."""
        return json.dumps(self._parameters)


def describe(response, wanted, buffers):
    """A response for a header; the bytes of its outputs are added to `buffers`. Outputs not wanted are left out."""
    if not isinstance(response, InferenceResponse):
        raise TypeError(f"expected an InferenceResponse, found {type(response).__name__}")
    if response._error is not None:
        return describe_error(response._error)
    tensors = response._tensors
    if wanted is not None:
        tensors = [tensor for tensor in tensors if tensor._name in wanted]
    described = {"outputs": pack(tensors, buffers)}
    if response._parameters:
        described["parameters"] = response._parameters
    return described


def describe_error(error):
    if isinstance(error, (TritonError, TritonModelException)):
        return {"error": {"message": error.message(), "code": error.code()}}
    return {"error": {"message": str(error), "code": TritonError.INTERNAL}}


class InferenceResponseSender:
    """Answers one request of a decoupled model any number of times, from any thread."""

    def __init__(self, channel, batch, index, wanted, state):
        self._channel = channel
        self._batch = batch
        self._index = index
        self._wanted = wanted
        self._state = state
        self._lock = threading.Lock()
        self._is_closed = False

    def send(self, response=None, flags=0):
        """Sends a response, the last one with `TRITONSERVER_RESPONSE_COMPLETE_FINAL`, which may come alone."""
        final = bool(flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        if response is None and not final:
            raise TritonModelException("a response sender needs a response, the final flag, or both", "INVALID_ARG")
        with self._lock:
            if self._is_closed:
                raise TritonModelException("Unable to send response. Response sender has been closed.", "INVALID_ARG")
            self._is_closed = final
        header = {"kind": "response", "batch": self._batch, "index": self._index, "final": final}
        buffers = []
        if response is not None:
            header["response"] = describe(response, self._wanted, buffers)
        self._channel.send(header, buffers)

    def fail(self, error):
        """Ends the request with an error, unless it has ended."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        header = {"kind": "response", "batch": self._batch, "index": self._index, "final": True}
        self._channel.send({**header, "response": {"error": error}})

    def is_cancelled(self):
        self._channel.poll()
        return self._state.is_cancelled
