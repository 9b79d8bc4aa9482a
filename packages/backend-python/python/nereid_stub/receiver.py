"""Waits for bytes of the server. To sleep and be woken takes a process longer than a small model needs for a request."""

import os
import socket
import time

# Whoever slept no longer than this, being woken included, might as well have stayed awake.
_SHORT_SLEEP_SECONDS = 0.0005

# A look takes microseconds. Who looks all the time and did not run for so long meanwhile has had to wait for a core.
_STOLEN_SECONDS = 0.0003
# So many times it then sleeps at once, and up to so many when that soon happens again. Where all cores have something to do, who
# stays awake keeps others from it, and loses a slice of time whenever its core is taken away.
_FEWEST_SLEEPS = 32
_MOST_SLEEPS = 512


class Receiver:
    def __init__(self, sock):
        self._socket = sock
        self._may_spin = False
        # How many times to sleep at once, still, and from the next loss on; and how often nothing was lost since the last one.
        self._sleeps = 0
        self._length = _FEWEST_SLEEPS // 2
        self._good = 0
        # How long to look for bytes before sleeping, while they come fast; 0: never.
        self.spin_seconds = 0.0

    def receive(self, size):
        """Some bytes, at most `size`; none when the server has gone."""
        if self._sleeps > 0:
            self._sleeps -= 1
        elif self._may_spin:
            chunk = self._spin(size)
            if chunk is not None:
                return chunk
        began = time.monotonic()
        chunk = self._socket.recv(size)
        self._may_spin = self.spin_seconds > 0 and time.monotonic() - began < _SHORT_SLEEP_SECONDS
        return chunk

    def _spin(self, size):
        began = now = time.monotonic()
        began_cpu = time.thread_time()
        end = now + self.spin_seconds
        while now < end:
            try:
                chunk = self._socket.recv(size, socket.MSG_DONTWAIT)
                self._good += 1
                return chunk
            except BlockingIOError:
                os.sched_yield()
            before, now = now, time.monotonic()
            # The thread's own work, a collection of garbage say, is no loss: it had its core.
            if now - before > _STOLEN_SECONDS and now - began - (time.thread_time() - began_cpu) > _STOLEN_SECONDS:
                self._rest()
                break
        return None

    def _rest(self):
        self._length = min(2 * self._length, _MOST_SLEEPS) if self._good < self._length else _FEWEST_SLEEPS
        self._sleeps = self._length
        self._good = 0
