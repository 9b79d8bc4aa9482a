"""Requests of a model to other models of the server, and the server's model control."""

import abc
import json

from . import runtime
from .calls import size_of
from .errors import TritonError, TritonModelException, raise_for
from .exact import check_parameters, parameters_from_wire, parameters_to_wire, to_wire
from .request import InferenceTrace, ReceivedRequest
from .response import InferenceResponse
from .tensors import Tensor, unpack

_UINT64 = 1 << 64
# The server hears of so many bytes at once that the model has taken of a stream: a quarter of what it lets wait.
_TOLD_BYTES = 1 << 23


class InferenceRequest(abc.ABC):
    """An inference on another model. Errors of it are in the response, not raised."""

    # The order is Triton's; models name the arguments.
    def __init__(
        self,
        request_id="",
        correlation_id=0,
        inputs=None,
        requested_output_names=None,
        model_name=None,
        model_version=-1,
        flags=0,
        timeout=0,
        preferred_memory=None,
        trace=None,
        parameters=None,
    ):
        _require(bool(model_name), "model_name", "the name of a model", model_name)
        _require(inputs is not None, "inputs", "a list of tensors", inputs)
        _require(requested_output_names is not None, "requested_output_names", "a list of names", None)
        is_id = isinstance(correlation_id, str) or (isinstance(correlation_id, int) and 0 <= correlation_id < _UINT64)
        _require(is_id, "correlation_id", "an unsigned 64-bit integer or a string", correlation_id)
        _require(isinstance(timeout, int) and timeout >= 0, "timeout", "microseconds", timeout)
        for tensor in inputs:
            _require(isinstance(tensor, Tensor), "inputs", "tensors", tensor)
        self._model_name = model_name
        self._model_version = model_version
        self._outputs = list(requested_output_names)
        self._inputs = list(inputs)
        self._request_id = request_id
        self._correlation_id = correlation_id
        self._flags = flags
        self._timeout = timeout
        self._preferred_memory = preferred_memory
        self._trace = trace if trace is not None else InferenceTrace()
        self._parameters = check_parameters(parameters, "InferenceRequest: parameters")

    @property
    def model_name(self):
        return self._model_name

    @property
    def model_version(self):
        return self._model_version

    def request_id(self):
        return self._request_id

    def correlation_id(self):
        return self._correlation_id

    def inputs(self):
        return self._inputs

    def requested_output_names(self):
        return self._outputs

    def flags(self):
        return self._flags

    def set_flags(self, flags):
        self._flags = flags

    def timeout(self):
        return self._timeout

    def preferred_memory(self):
        return self._preferred_memory

    def trace(self):
        return self._trace

    def parameters(self):
        return json.dumps(self._parameters)

    def exec(self, decoupled=False):
        """Waits for the response; with `decoupled` an iterator of responses."""
        calls = self._calls(decoupled)
        call = calls.ask(self._describe(decoupled), self._inputs)
        if decoupled:
            return ResponseIterator(call)
        return receive_response(*calls.next(call))

    async def async_exec(self, decoupled=False):
        """Like `exec`; lets other coroutines run meanwhile. What `decoupled` gives works with `async for`, too."""
        import asyncio

        loop = asyncio.get_running_loop()
        came = asyncio.Event()

        def wake():
            # Whoever reads is another thread, perhaps, and the loop may be over when the answer comes.
            if not loop.is_closed():
                loop.call_soon_threadsafe(came.set)

        calls = self._calls(decoupled)
        call = calls.ask(self._describe(decoupled), self._inputs, wake)
        responses = ResponseIterator(call, came)
        if decoupled:
            return responses
        try:
            await responses.arrival()
        except BaseException:
            # Its task is cancelled, by a timeout for one.
            responses.cancel()
            raise
        return responses._next()

    def _calls(self, decoupled):
        current = runtime.current()
        if decoupled:
            # For streams that are left while the main thread is busy.
            current.watch()
        return current.calls

    def _describe(self, decoupled):
        return {
            "kind": "infer",
            "model_name": self._model_name,
            "model_version": "" if self._model_version in (-1, None) else str(self._model_version),
            "id": self._request_id,
            "outputs": self._outputs,
            "correlation_id": to_wire(self._correlation_id),
            "flags": self._flags,
            "timeout": self._timeout,
            "parameters": parameters_to_wire(self._parameters),
            "request": self._trace._request,
            "decoupled": decoupled,
        }


def receive_response(header, tensors):
    error = header.get("error")
    if error is not None:
        return InferenceResponse(error=TritonError(error["message"], error["code"]))
    outputs, _ = unpack(header.get("outputs", ()), tensors, 0)
    return InferenceResponse(outputs, parameters=parameters_from_wire(header.get("parameters", {})))


def _require(is_right, name, expected, found):
    if not is_right:
        raise TritonModelException(f"InferenceRequest: {name}: expected {expected}, found {found!r}", "INVALID_ARG")


# A received request is one, too, for models that look.
InferenceRequest.register(ReceivedRequest)


class ResponseIterator:
    """The responses of a decoupled model; the last one may be empty. Takes `for`, in coroutines also `async for`.

    One that is let go of amid its responses cancels their request; a request whose responses nobody has looked at goes on.
    """

    def __init__(self, call, came=None):
        self._runtime = runtime.current()
        self._call = call
        self._came = came
        self._is_done = False
        self._has_begun = False
        # Bytes of answers that the server has not been told of.
        self._taken = 0

    def __del__(self):
        if not self._is_done:
            self._runtime.calls.leave(self._call, self._has_begun)

    def __iter__(self):
        return self

    def __next__(self):
        response = None if self._is_done else self._next()
        if response is None:
            raise StopIteration
        return response

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self._is_done:
            await self.arrival()
        response = None if self._is_done else self._next()
        if response is None:
            raise StopAsyncIteration
        return response

    async def arrival(self):
        """Waits, without holding up other coroutines, until there is an answer."""
        import asyncio

        calls = self._runtime.calls
        if not self._runtime.reads_on(asyncio.get_running_loop()):
            # The model runs a loop of its own in an ordinary execute: a thread has to read for it.
            await asyncio.get_running_loop().run_in_executor(None, calls.wait_for, self._call)
            return
        while not calls.has_answer(self._call):
            self._came.clear()
            # One that came in between has set it again, or is there.
            if not calls.has_answer(self._call):
                await self._came.wait()

    def cancel(self):
        """Tells the model that its responses are not wanted any more. They may go on for a while."""
        self._runtime.channel.send({"kind": "reader", "call": self._call, "says": "cancel"})

    def _next(self):
        self._has_begun = True
        header, tensors = self._runtime.calls.next(self._call)
        self._is_done = header.get("final", True)
        if not self._is_done:
            self._note_taken(size_of(tensors))
        # The end may come without a response.
        return None if header.get("empty", False) else receive_response(header, tensors)

    def _note_taken(self, size):
        self._taken += size
        if self._taken >= _TOLD_BYTES:
            self._runtime.channel.send({"kind": "reader", "call": self._call, "says": "taken", "bytes": self._taken})
            self._taken = 0


def load_model(model_name, config=None, files=None):
    """Loads a model. `config` is JSON text, `files` a dict of `"file:<path>"` to bytes, which needs `config`."""
    import base64

    encoded = {path: base64.b64encode(content).decode() for path, content in (files or {}).items()}
    _ask("load_model", model_name=model_name, config=config, files=encoded)


def unload_model(model_name, unload_dependents=False):
    _ask("unload_model", model_name=model_name, unload_dependents=unload_dependents)


def is_model_ready(model_name, model_version=""):
    return _ask("is_model_ready", model_name=model_name, model_version=str(model_version))


def _ask(action, **value):
    calls = runtime.current().calls
    header, _ = calls.next(calls.ask({"kind": "ask", "action": action, "value": value}))
    raise_for(header)
    return header.get("value")
