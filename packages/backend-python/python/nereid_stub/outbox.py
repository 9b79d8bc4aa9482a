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
        self._held = []
        self._held_since = 0.0
        self._wanted = threading.Event()
        self._has_thread = False

    def send(self, parts):
        """Sends bytes-like objects, behind those that wait."""
        held = self._held
        if held:
            self._held = []
            parts = (*held, *parts)
        self._socket.sendall(b"".join(parts))

    def send_soon(self, parts):
        """Sends them with what follows, at most a moment later."""
        now = time.monotonic()
        if not self._held:
            self._held_since = now
        elif now - self._held_since > _HOLD_SECONDS:
            self.send(parts)
            return
        self._held += parts
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
