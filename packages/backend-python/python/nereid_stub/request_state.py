"""What changes while requests are with the model, and who has to wait for that."""

import sys
import threading
import weakref


class RequestState:
    """Of one request. Frames of the server change it, and its response sender."""

    __slots__ = ("is_cancelled", "is_paused", "is_open", "has_sender", "thread", "_all", "_changes", "__weakref__")

    def __init__(self, states):
        self.is_cancelled = False
        # Whether its client, or whoever else takes its responses, can't keep up.
        self.is_paused = False
        # Whether responses may still be sent for it.
        self.is_open = True
        # Whether it may be answered after `execute` has returned.
        self.has_sender = False
        # The one that sent its last response.
        self.thread = None
        self._all = states
        self._changes = []

    def watch(self):
        """Its sender may live longer than `execute` takes."""
        self.has_sender = True
        self._all.lost.watch()

    def lose(self, batch, index):
        """Nobody can answer it any more."""
        self._all.lost.add(batch, index)

    def is_held(self):
        """Whether its next response should wait."""
        return self.is_paused and self.is_open and not self.is_cancelled

    def holds_thread(self):
        """Whether the calling thread, which answers it, should wait.

        Not if it answers others, too, or if nobody has answered one yet, which may be waiting for this thread. Not in an
        event loop either, which has more to do.
        """
        asyncio = sys.modules.get("asyncio")
        if not self.is_held() or (asyncio is not None and asyncio._get_running_loop() is not None):
            return False
        return not any(
            other.is_open and other.thread in (None, self.thread) for other in self._all.open_ended() if other is not self
        )

    def change(self):
        """A future of the running loop that resolves when something may have changed."""
        import asyncio

        future = asyncio.get_running_loop().create_future()
        self._changes.append(future)
        return future

    def tell(self):
        """Resolves these futures; called in their loop."""
        changes, self._changes = self._changes, []
        for future in changes:
            if not future.done():
                future.set_result(None)


class DecoupledState(RequestState):
    """Lives as long as the model has the request or its sender: what is open then has no end any more."""

    __slots__ = ("_batch", "_index")

    def __init__(self, states, batch, index):
        super().__init__(states)
        self._batch = batch
        self._index = index

    def __del__(self):
        if self.is_open:
            self.lose(self._batch, self._index)


class RequestStates:
    """Of all requests of the process, by batch and index."""

    def __init__(self, lost):
        self.lost = lost
        self._running = {}
        # They have no end that the process knows: whoever has a request or its sender may go on.
        self._open_ended = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def expect(self, batch, count, decoupled):
        """Those of a batch that has come, which the next frames may change before the model gets it."""
        if decoupled:
            states = [DecoupledState(self, batch, index) for index in range(count)]
            with self._lock:
                for index, state in enumerate(states):
                    self._open_ended[(batch, index)] = state
        else:
            states = self._running[batch] = [RequestState(self) for _ in range(count)]
        return states

    def find(self, batch, index):
        """None: it has ended."""
        states = self._running.get(batch)
        return states[index] if states is not None else self._open_ended.get((batch, index))

    def forget(self, batch):
        """`execute` has returned for a batch."""
        for index, state in enumerate(self._running.pop(batch, ())):
            if state.has_sender:
                with self._lock:
                    self._open_ended[(batch, index)] = state

    def open_ended(self):
        with self._lock:
            return list(self._open_ended.values())
