"""What has to be looked after while the main thread is with the model."""

import threading
import time

from .channel import Closed

_LOOK_SECONDS = 1.0


class Watch:
    """A thread that does something every second. It is not that of the heartbeat, as it may wait for the server."""

    def __init__(self, look):
        self._look = look
        self._thread = None

    def start(self):
        """Starts it, if it does not run yet."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def _run(self):
        try:
            while True:
                time.sleep(_LOOK_SECONDS)
                self._look()
        except (Closed, OSError):
            # The server has gone; who reads from it will hear of that.
            return
