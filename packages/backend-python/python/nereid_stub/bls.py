"""Requests of a model to other models of the server, and the server's model control."""

import asyncio
import base64
import json

from . import runtime
from .errors import TritonError, raise_for
from .response import InferenceResponse
from .tensors import pack, unpack


class InferenceRequest:
    """An inference on another model. Errors of it are in the response, not raised."""

    def __init__(
        self,
        model_name="",
        requested_output_names=(),
        inputs=(),
        request_id="",
        correlation_id=0,
        model_version=-1,
        flags=0,
        timeout=0,
        preferred_memory=None,
        trace=None,
        parameters=None,
    ):
        if not model_name:
            raise ValueError("an inference request needs a model_name")
        self._model_name = model_name
        self._model_version = model_version
        self._outputs = list(requested_output_names)
        self._inputs = list(inputs)
        self._request_id = request_id
        self._correlation_id = correlation_id
        self._flags = flags
        self._timeout = timeout
        self._trace = trace
        self._parameters = parameters or {}

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

    def parameters(self):
        return json.dumps(self._parameters)

    def exec(self, decoupled=False):
        """Waits for the response; with `decoupled` an iterator of responses."""
        calls = runtime.current().calls
        buffers = []
        call = calls.ask(self._describe(decoupled, buffers), buffers)
        if decoupled:
            return ResponseIterator(call)
        return receive_response(*calls.next(call))

    async def async_exec(self, decoupled=False):
        """Like `exec`; lets other coroutines run meanwhile. With `decoupled` an asynchronous iterator."""
        loop = asyncio.get_running_loop()
        answers = asyncio.Queue()

        def take(header, tensors):
            loop.call_soon_threadsafe(answers.put_nowait, (header, tensors))

        buffers = []
        call = runtime.current().calls.ask(self._describe(decoupled, buffers), buffers, take)
        if decoupled:
            return AsyncResponseIterator(call, answers)
        return receive_response(*await answers.get())

    def _describe(self, decoupled, buffers):
        return {
            "kind": "infer",
            "model_name": self._model_name,
            "model_version": "" if self._model_version in (-1, None) else str(self._model_version),
            "id": self._request_id,
            "inputs": pack(self._inputs, buffers),
            "outputs": self._outputs,
            "correlation_id": self._correlation_id,
            "flags": self._flags,
            "timeout": self._timeout,
            "parameters": self._parameters,
            "trace": None if self._trace is None else self._trace._context,
            "decoupled": decoupled,
        }


def receive_response(header, tensors):
    error = header.get("error")
    if error is not None:
        return InferenceResponse(error=TritonError(error["message"], error["code"]))
    outputs, _ = unpack(header.get("outputs", ()), tensors, 0)
    return InferenceResponse(outputs, parameters=header.get("parameters"))


class ResponseIterator:
    """The responses of a decoupled model; the last one may be empty."""

    def __init__(self, call):
        self._call = call
        self._is_done = False

    def __iter__(self):
        return self

    def __next__(self):
        if self._is_done:
            raise StopIteration
        header, tensors = runtime.current().calls.next(self._call)
        self._is_done = header.get("final", True)
        if header.get("empty", False):
            # The end without a response.
            raise StopIteration
        return receive_response(header, tensors)

    def cancel(self):
        runtime.current().channel.send({"kind": "infer_cancel", "call": self._call})


class AsyncResponseIterator:
    def __init__(self, call, answers):
        self._call = call
        self._answers = answers
        self._is_done = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._is_done:
            raise StopAsyncIteration
        header, tensors = await self._answers.get()
        self._is_done = header.get("final", True)
        if header.get("empty", False):
            raise StopAsyncIteration
        return receive_response(header, tensors)

    def cancel(self):
        runtime.current().channel.send({"kind": "infer_cancel", "call": self._call})


def load_model(model_name, config=None, files=None):
    """Loads a model. `config` is JSON text, `files` a dict of `"file:<path>"` to bytes, which needs `config`."""
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
