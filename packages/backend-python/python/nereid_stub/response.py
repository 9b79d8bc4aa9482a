"""What a model answers, and how it answers one request several times."""

import json
import threading
from time import monotonic

from .channel import encode
from .errors import TritonError, TritonModelException, describe_error
from .exact import check_parameters, parameters_to_wire
from .tensors import Tensor, pack

TRITONSERVER_RESPONSE_COMPLETE_FINAL = 1

# Looking whether the server has said something takes 4 us, a third of what a small response does.
_POLL_SECONDS = 0.001


class InferenceResponse:
    """The outputs of one request, or an error, in which case the outputs are ignored."""

    def __init__(self, output_tensors=(), error=None, parameters=None):
        if error is not None and not isinstance(error, TritonError):
            raise TypeError(f"response error: expected a TritonError, found {type(error).__name__}")
        for tensor in output_tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"response outputs: expected a Tensor, found {type(tensor).__name__}")
        self._tensors = list(output_tensors)
        self._error = error
        self._parameters = check_parameters(parameters, "response parameters")

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
    """A response as JSON text; the bytes of its outputs are added to `buffers`. Outputs not wanted are left out."""
    if not isinstance(response, InferenceResponse):
        raise TypeError(f"expected an InferenceResponse, found {type(response).__name__}")
    if response._error is not None:
        return encode(describe_error(response._error))
    tensors = response._tensors
    if wanted is not None:
        tensors = [tensor for tensor in tensors if tensor._name in wanted]
    parameters = f',"parameters":{encode(parameters_to_wire(response._parameters))}' if response._parameters else ""
    return f'{{"outputs":{pack(tensors, buffers)}{parameters}}}'


class InferenceResponseSender:
    """Answers one request from any thread: any number of times if the model is decoupled, else once."""

    def __init__(self, request, wanted):
        self._channel = request._channel
        self._batch = request._batch
        self._index = request._index
        self._wanted = wanted
        self._state = request._state
        self._decoupled = request._decoupled
        self._lock = threading.Lock()
        self._is_closed = False
        self._sent = 0
        self._polled_at = 0.0
        self._state.watch()

    def send(self, response=None, flags=0):
        """Sends a response, the last one with `TRITONSERVER_RESPONSE_COMPLETE_FINAL`, which may come alone.

        Waits while the client does not read what was sent, unless the thread has other requests to answer. The last one
        does not wait: it frees the model.
        Raises TritonModelException when the request has ended, or for a second response of a model that is not decoupled.
        """
        if flags not in (0, TRITONSERVER_RESPONSE_COMPLETE_FINAL):
            raise TritonModelException("Unable to send response. Unsupported flag provided.", "INVALID_ARG")
        if response is None and flags == 0:
            raise TritonModelException(
                "Inference Response object must be provided when the response flags is set to zero.", "INVALID_ARG"
            )
        final = flags == TRITONSERVER_RESPONSE_COMPLETE_FINAL
        if self._decoupled and not final:
            self._wait_until_wanted()
        buffers = []
        # Before the request counts as ended: what can't be sent is an exception here, and another answer may follow.
        described = "" if response is None else f',"response":{describe(response, self._wanted, buffers)}'
        with self._lock:
            self._check(response)
            self._is_closed = final
            self._state.is_open = not final
            self._sent += 1
            if not self._decoupled and response is None:
                # The response was the end of the request.
                return
        head = f'{{"kind":"response","batch":{self._batch},"index":{self._index},"final":{"true" if final else "false"}'
        self._channel.send(f"{head}{described}}}", buffers)

    def _wait_until_wanted(self):
        self._state.thread = threading.get_ident()
        now = monotonic()
        if now - self._polled_at > _POLL_SECONDS:
            # In `execute` on the main thread nobody else reads what the server says.
            self._polled_at = now
            self._channel.poll()
        if self._state.is_paused:
            self._channel.wait(lambda: not self._state.holds_thread())

    def _check(self, response):
        if not self._decoupled and response is not None and self._sent > 0:
            raise TritonModelException(
                "Unable to send response. Non-decoupled model cannot send more than one response.", "INVALID_ARG"
            )
        if not self._decoupled and response is None and self._sent == 0:
            raise TritonModelException(
                "Unable to send response. Non-decoupled model cannot send complete final before sending a response.",
                "INVALID_ARG",
            )
        if self._is_closed:
            raise TritonModelException("Unable to send response. Response sender has been closed.", "INVALID_ARG")

    def __del__(self):
        # Of decoupled models the request itself is looked after.
        if not self._decoupled and self._sent == 0:
            self._state.lose(self._batch, self._index)

    def fail(self, error):
        """Ends the request with an error, unless it has ended."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._state.is_open = False
        header = {"kind": "response", "batch": self._batch, "index": self._index, "final": True}
        self._channel.send({**header, "response": {"error": error}})

    def is_cancelled(self):
        self._channel.poll()
        return self._state.is_cancelled
