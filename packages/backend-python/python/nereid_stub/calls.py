"""What this process asks of the server."""

import threading
from collections import deque

from .channel import encode
from .tensors import pack


# What an answer takes beside its tensors: src/unread-answers.ts counts the same.
_ANSWER_BYTES = 1 << 10


def size_of(tensors):
    """What the server counts for an answer with these bytes of tensors."""
    return _ANSWER_BYTES + (0 if tensors is None else tensors.nbytes)


class Calls:
    """Questions to the server and their answers, by number. Answers may be several (streams)."""

    def __init__(self, channel):
        self._channel = channel
        self._lock = threading.Lock()
        self._answers = {}
        self._listeners = {}
        self._left = deque()
        self._next = 0

    def ask(self, header, inputs=(), listener=None):
        """Sends a question. A `listener()` is called, on the thread that reads, when an answer has come."""
        with self._lock:
            call = self._next
            self._next += 1
            self._answers[call] = deque()
            if listener is not None:
                self._listeners[call] = listener
        buffers = []
        inputs = pack(inputs, buffers)
        self._channel.send(f'{encode({**header, "call": call})[:-1]},"inputs":{inputs}}}', buffers)
        return call

    def answer(self, header, tensors):
        """Takes an answer in; called by who reads, which wakes those that wait."""
        call = header["call"]
        with self._lock:
            answers = self._answers.get(call)
            if answers is not None:
                answers.append((header, tensors))
            listener = self._listeners.get(call)
        if listener is not None:
            listener()

    def wait_for(self, call):
        """Waits until there is an answer, and leaves it there."""
        answers = self._answers[call]
        if not answers:
            self._channel.wait(lambda: answers)

    def has_answer(self, call):
        return bool(self._answers[call])

    def next(self, call):
        """Waits for the next answer; after the final one the call is forgotten."""
        answers = self._answers[call]
        self.wait_for(call)
        header, tensors = answers.popleft()
        if header.get("final", True):
            self.forget(call)
        return header, tensors

    def leave(self, call, cancel):
        """Nobody reads the answers any more. Called by finalizers, on any thread, which must not wait for the channel."""
        self._left.append((call, cancel))

    def tell(self):
        """Tells the server of calls that were left."""
        while self._left:
            try:
                call, cancel = self._left.popleft()
            except IndexError:
                # Two threads tell, and the other has taken the last one.
                return
            self.forget(call)
            if cancel:
                self._channel.send({"kind": "reader", "call": call, "says": "cancel"})
            self._channel.send({"kind": "reader", "call": call, "says": "left"})

    def forget(self, call):
        with self._lock:
            self._answers.pop(call, None)
            self._listeners.pop(call, None)
