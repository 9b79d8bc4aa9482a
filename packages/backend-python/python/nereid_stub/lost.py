"""Requests that nobody can answer any more: the model has let go of them, and of their response senders."""

from collections import deque

from .errors import TritonError

_ERROR = {
    "message": "the model has let go of the request without answering it, or without ending its responses: its sender "
    "must send TRITONSERVER_RESPONSE_COMPLETE_FINAL",
    "code": TritonError.INTERNAL,
}


class LostRequests:
    def __init__(self, channel, watch):
        self._channel = channel
        # Has `tell` called every now and then. To be called when requests may be lost while the main thread is busy.
        self.watch = watch
        self._found = deque()

    def add(self, batch, index):
        """Called by finalizers, on any thread, which must not wait for the channel."""
        self._found.append((batch, index))

    def tell(self):
        """Ends them. The server passes over those that have ended already."""
        while True:
            try:
                batch, index = self._found.popleft()
            except IndexError:
                # Not asked before: two threads tell, and the other may take the last one.
                return
            self._channel.send({"kind": "response", "batch": batch, "index": index, "final": True, "response": {"error": _ERROR}})
