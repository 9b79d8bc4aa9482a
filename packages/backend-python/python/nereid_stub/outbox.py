"""Bytes on their way to the server. Answers may wait for each other a moment, as each write may have to wake it."""

import threading
import time

# So long may an answer wait while the model is busy with the next request.
_HOLD_SECONDS = 0.0001
# If that takes the model longer, a thread sends what waits: it looks so often,
_LOOK_SECONDS = 0.005
# and stops doing so when nothing has waited for so long.
_IDLE_SECONDS = 1.0


class Outbox:
    """What is sent leaves in its order. To be called with `lock` held."""

    def __init__(self, sock, lock):
        self._socket = sock
        self._lock = lock
        # Where the server finds what this process had no time to send; None: nothing waits.
        self.progress = None
        self._held = []
        self._held_since = 0.0
        self._wanted = threading.Event()
        self._has_thread = False

    def send(self, parts):
        """Sends bytes-like objects, behind those that wait."""
        held = self._held
        if not held:
            self._socket.sendall(b"".join(parts))
            return
        self._held = []
        self._socket.sendall(b"".join((*held, *parts)))
        self.progress.sent()

    def send_soon(self, parts):
        """Sends them with what follows, at most a moment later."""
        now = time.monotonic()
        data = b"".join(parts)
        is_late = self._held and now - self._held_since > _HOLD_SECONDS
        if is_late or self.progress is None or not self.progress.hold(data):
            self.send((data,))
            return
        if not self._held:
            self._held_since = now
        self._held.append(data)
        if not self._wanted.is_set():
            self._wanted.set()
            if not self._has_thread:
                self._has_thread = True
                threading.Thread(target=self._look, name="outbox", daemon=True).start()

    def _look(self):
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                waited = time.monotonic() - self._held_since
                try:
                    if self._held and waited > _LOOK_SECONDS:
                        self.send(())
                except OSError:
                    # The server has gone; who reads from it will hear of that.
                    return
                if not self._held and waited > _IDLE_SECONDS:
                    self._wanted.clear()
            self._wanted.wait()
