"""Coroutines of models that wait for clients which read slowly."""


class Held:
    """Runs a coroutine, which goes on after an `await` only when the responses of its requests are wanted.

    `InferenceResponseSender.send` is no coroutine: it can't wait without holding up all others.
    """

    def __init__(self, coroutine, states):
        self._coroutine = coroutine
        self._states = states

    def __await__(self):
        step, value = self._coroutine.send, None
        while True:
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value
            try:
                value = yield awaited
                step = self._coroutine.send
                for state in self._states:
                    while state.is_held():
                        yield from state.change().__await__()
            except BaseException as error:
                # What it awaited has failed, or its task is cancelled: it hears of it as if nobody stood between.
                step, value = self._coroutine.throw, error
