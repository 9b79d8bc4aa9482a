"""`is_ready` of a model, which is asked beside `execute`: a model that is busy may be ready."""

import asyncio
import inspect
import threading

from .errors import TritonModelException

LIMIT_SECONDS = 5.0


def ask_in_thread(model, loop, answer):
    """Calls `answer(value, error)` with what `is_ready` says, or the exception it raises; one of them is None.

    `loop`: the one in which the model's coroutines run; None: it has none.
    """

    def run():
        try:
            value = _ask(model, loop)
        except BaseException as error:
            answer(None, error)
        else:
            answer(value, None)

    threading.Thread(target=run, name="is_ready", daemon=True).start()


def _ask(model, loop):
    ready = model.is_ready()
    if inspect.isawaitable(ready):
        limited = asyncio.wait_for(ready, LIMIT_SECONDS)
        ready = asyncio.run(limited) if loop is None else asyncio.run_coroutine_threadsafe(limited, loop).result()
    if not isinstance(ready, bool):
        raise TritonModelException(f"is_ready must return a bool, found {type(ready).__name__}", "INVALID_ARG")
    return ready
