"""Waits for bytes of the server. To sleep and be woken takes a process longer than a small model needs for a request."""

import os
import socket
import time

# Whoever slept no longer than this, being woken included, might as well have stayed awake.
_SHORT_SLEEP_SECONDS = 0.0005


class Receiver:
    def __init__(self, sock):
        self._socket = sock
        self._may_spin = False
        # How long to look for bytes before sleeping, while they come fast; 0: never.
        self.spin_seconds = 0.0

    def receive(self, size):
        """Some bytes, at most `size`; none when the server has gone."""
        if self._may_spin:
            chunk = self._spin(size)
            if chunk is not None:
                return chunk
        began = time.monotonic()
        chunk = self._socket.recv(size)
        self._may_spin = self.spin_seconds > 0 and time.monotonic() - began < _SHORT_SLEEP_SECONDS
        return chunk

    def _spin(self, size):
        end = time.monotonic() + self.spin_seconds
        while time.monotonic() < end:
            try:
                return self._socket.recv(size, socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        return None
