"""The one model of this process: takes frames of the server in, runs the model, and sends its answers."""

import inspect
import sys
from collections import deque

from .calls import Calls
from .channel import Channel, Closed, encode
from .errors import TritonModelException, describe_error, message_of
from .guard import limit_memory
from .held import Held
from .lost import LostRequests
from .missing import how_to_install
from .model_config import ModelConfig
from .request import TRITONSERVER_REQUEST_RELEASE_RESCHEDULE, receive_batch
from .request_state import RequestStates
from .response import describe
from .watch import Watch

_CANCELLED = {"error": {"message": "request was cancelled", "code": "CANCELLED"}}

_current = None


def current():
    """The runtime of this process. Raises when the module is used outside of a server."""
    if _current is None:
        raise TritonModelException("triton_python_backend_utils: this needs a model that runs in the server")
    return _current


class Runtime:
    def __init__(self, sock, load_class):
        global _current
        _current = self
        self.channel = Channel(sock, self._dispatch)
        self.calls = Calls(self.channel)
        self.model_dir = None
        # Those of the backend, when that is a Python-based one.
        self.settings = {}
        self._memory_limit = None
        self._requirements_left = ()
        self._load_class = load_class
        self._class = None
        self._model = None
        self._args = {}
        self._decoupled = False
        self._queue = deque()
        self._watch = Watch(self._look_after)
        # Has what finalizers find told every now and then, when the main thread may be busy.
        self.watch = self._watch.start
        self._lost = LostRequests(self.channel, self.watch)
        self._states = RequestStates(self._lost)
        self._loop = None
        self._tasks = set()
        self._is_polling = False
        self._actions = {
            "load": self._load,
            "auto_complete": self._auto_complete,
            "initialize": self._initialize,
            "finalize": self._finalize,
        }

    def run(self):
        """Serves until the server closes the connection."""
        self.channel.offer_memory()
        try:
            while True:
                self.channel.read(self._queue)
                while self._queue:
                    self._handle(*self._queue.popleft())
                    self._tell()
                    if self._loop is not None:
                        self._loop.run_until_complete(self._serve_async())
                        return
        except Closed:
            return

    def log(self, level, message, **fields):
        if self.channel.is_left:
            print(message, file=sys.stderr)
            return
        self.channel.send({"kind": "log", "level": level, "message": str(message), **fields})

    # --- frames ---

    def _dispatch(self, header, tensors):
        kind = header["kind"]
        if kind == "answer":
            self.calls.answer(header, tensors)
        elif kind == "cancel" or kind == "pause":
            self._change(header)
        elif kind == "memory":
            self.channel.accept_memory(header.get("folder"))
        elif kind == "call" and header["action"] == "is_ready":
            self._ask_ready(header["call"])
        else:
            if kind == "execute":
                # Its next frames may come before the model gets it.
                header["states"] = self._states.expect(header["batch"], len(header["requests"]), self._decoupled)
            self._queue.append((header, tensors))
            if self._loop is not None and not self._is_polling:
                # Whoever waits for an answer reads for all, and this is none.
                self._loop.call_soon_threadsafe(self._take_queue)

    def reads_on(self, loop):
        """Whether frames are read by this event loop."""
        return loop is self._loop

    def _change(self, header):
        state = self._states.find(header["batch"], header["index"])
        if state is None:
            return
        if header["kind"] == "cancel":
            state.is_cancelled = True
        else:
            state.is_paused = header["paused"]
        if self._loop is not None:
            # Threads see it by themselves: the channel tells them of each frame.
            self._loop.call_soon_threadsafe(state.tell)

    def _handle(self, header, tensors):
        if header["kind"] == "execute":
            self._execute(header, tensors)
            return
        call = header["call"]
        try:
            value = self._actions[header["action"]](header.get("value"))
            # Here, since a configuration that the model has made may be no JSON.
            reply = encode({"kind": "reply", "call": call, "value": value})
        except SystemExit:
            raise
        except BaseException as error:
            reply = {"kind": "reply", "call": call, "error": self._describe_failure(error)}
        self.channel.send(reply)

    def _look_after(self):
        """What can't wait until the model is back from `execute`."""
        self._tell()
        self.channel.poll()

    def _tell(self):
        """What finalizers have found."""
        self._lost.tell()
        self.calls.tell()

    # --- life cycle ---

    def _load(self, value):
        self._memory_limit = value.get("memory_limit")
        if self._memory_limit is not None:
            limit_memory(self._memory_limit)
        self.channel.spin(value["spin_microseconds"] / 1e6)
        self.model_dir = value["model_directory"]
        self.settings = value["settings"]
        self._requirements_left = value["requirements_left"]
        self._class = self._load_class(value["file"], value["paths"])
        if not callable(getattr(self._class, "execute", None)):
            raise TritonModelException(f"{value['file']}: class TritonPythonModel has no method execute", "INVALID_ARG")
        return {
            "auto_complete": hasattr(self._class, "auto_complete_config"),
            "is_ready": hasattr(self._class, "is_ready"),
        }

    def _auto_complete(self, config):
        completed = self._class.auto_complete_config(ModelConfig(config))
        if not isinstance(completed, ModelConfig):
            raise TritonModelException("auto_complete_config must return the configuration it was given", "INVALID_ARG")
        return completed.as_dict()

    def _initialize(self, value):
        self._args = value["args"]
        self._decoupled = value["decoupled"]
        self._model = self._class()
        if inspect.iscoroutinefunction(self._model.execute):
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        if hasattr(self._model, "initialize"):
            self._model.initialize(self._args)
        if self._decoupled or hasattr(self._model, "is_ready"):
            self._watch.start()
        return {"is_async": self._loop is not None}

    def _ask_ready(self, call):
        from . import readiness

        def answer(value, error):
            reply = {"value": value} if error is None else {"error": self._describe_failure(error)}
            self.channel.send({"kind": "reply", "call": call, **reply})

        readiness.ask_in_thread(self._model, self._loop, answer)

    def _finalize(self, _):
        if self._model is not None and hasattr(self._model, "finalize"):
            self._model.finalize()

    # --- execution ---

    def _execute(self, header, tensors):
        batch, states = header["batch"], header["states"]
        try:
            if not self._decoupled and all(state.is_cancelled for state in states):
                # While it waited behind others.
                self.channel.send({"kind": "done", "batch": batch, "responses": [_CANCELLED] * len(states)})
                return
            self.channel.begin(batch)
            requests = self._receive(header, tensors)
            self._answer(batch, requests, self._model.execute(requests))
        except SystemExit:
            raise
        except BaseException as error:
            # Others are no wish to end the process: asyncio.CancelledError of a loop of the model's own, for one.
            self._fail(batch, error)
        finally:
            self._states.forget(batch)

    def _receive(self, header, tensors):
        return receive_batch(header, tensors, self._args, self.channel, self._decoupled)

    def _answer(self, batch, requests, responses):
        if self._decoupled:
            if responses is not None and any(response is not None for response in responses):
                raise TritonModelException(
                    "execute of a decoupled model must return None; it answers through response senders", "INVALID_ARG"
                )
            reschedule = [_is_given_back(request) for request in requests]
            done = {"kind": "done", "batch": batch}
            if any(reschedule):
                done["reschedule"] = reschedule
                for request, wanted in zip(requests, reschedule):
                    request._state.is_open = request._state.is_open and not wanted
            self.channel.send(done)
            return
        if responses is None and all(_is_answered_apart(request) for request in requests):
            responses = [None] * len(requests)
        if not isinstance(responses, (list, tuple)) or len(responses) != len(requests):
            found = f"{len(responses)} responses" if isinstance(responses, (list, tuple)) else type(responses).__name__
            raise TritonModelException(f"execute must return a list of {len(requests)} responses, found {found}")
        buffers = []
        described = [self._describe(*pair, buffers) for pair in zip(requests, responses)]
        text = f'{{"kind":"done","batch":{batch},"responses":[{",".join(described)}]}}'
        # More to execute is more to answer.
        self.channel.send(text, buffers, soon=len(self._queue) > 0)

    def _describe(self, request, response, buffers):
        if response is None and _is_answered_apart(request):
            return '{"reschedule":true}' if _is_given_back(request) else "null"
        return describe(response, frozenset(request._fields["outputs"]), buffers)

    def _fail(self, batch, error):
        self.channel.send({"kind": "done", "batch": batch, **{"failed": self._describe_failure(error)}})

    def _describe_failure(self, error):
        described = describe_error(error)["error"]
        import traceback

        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        if not isinstance(error, TritonModelException):
            described["message"] = f"{type(error).__name__}: {message_of(error)}"
            if isinstance(error, ValueError):
                described["code"] = "INVALID_ARG"
            elif isinstance(error, ModuleNotFoundError):
                described["message"] += f": {how_to_install(None, self._requirements_left)}"
            elif isinstance(error, MemoryError) and self._memory_limit is not None:
                described["message"] += f" (the limit is {self._memory_limit} bytes: MEMORY_LIMIT_BYTES, memory-limit-bytes)"
        return {**described, "traceback": text}

    # --- models whose execute is a coroutine ---

    async def _serve_async(self):
        closed = self._loop.create_future()
        self._loop.add_reader(self.channel.fileno(), self._on_readable, closed)
        self._on_readable(closed)
        await closed

    def _on_readable(self, closed):
        self._is_polling = True
        try:
            self.channel.poll()
        except Closed:
            if not closed.done():
                closed.set_result(None)
        finally:
            self._is_polling = False
        self._take_queue()

    def _take_queue(self):
        while self._queue:
            header, tensors = self._queue.popleft()
            if header["kind"] != "execute":
                self._handle(header, tensors)
                continue
            task = self._loop.create_task(self._execute_async(header, tensors))
            # The loop itself does not hold on to it.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _execute_async(self, header, tensors):
        self.channel.begin(header["batch"])
        requests = self._receive(header, tensors)
        if self._decoupled:
            await self._execute_in_background(header["batch"], requests)
            return
        try:
            responses = await self._model.execute(requests)
            self._answer(header["batch"], requests, responses)
        except SystemExit:
            raise
        except BaseException as error:
            self._fail(header["batch"], error)
        finally:
            self._states.forget(header["batch"])

    async def _execute_in_background(self, batch, requests):
        """A decoupled model takes the next requests while its coroutine for these goes on."""
        self.channel.send({"kind": "done", "batch": batch})
        try:
            await Held(self._model.execute(requests), [request._state for request in requests])
            for request in requests:
                if _is_given_back(request):
                    request._state.is_open = False
                    self.channel.send({"kind": "reschedule", "batch": batch, "index": request._index})
        except SystemExit:
            raise
        except BaseException as error:
            failure = self._describe_failure(error)
            self.log("error", failure.pop("traceback"))
            for request in requests:
                request.get_response_sender().fail(failure)


def _is_given_back(request):
    return request._release == TRITONSERVER_REQUEST_RELEASE_RESCHEDULE


def _is_answered_apart(request):
    """Whether `execute` may return None for it: its response sender answers, or it is to be executed again."""
    return request._sender is not None or _is_given_back(request)


def flush_output():
    sys.stdout.flush()
    sys.stderr.flush()
