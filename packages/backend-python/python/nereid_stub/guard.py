"""What makes the process end with its server, and what tells the server that it is alive.

The server holds the other end of the lifeline. When that closes, a small process of its own kills the process group:
the model may be stopped or deep in native code, and may have started processes that would outlive it.
"""

import os
import signal
import socket
import threading
import time

HEARTBEAT_SECONDS = 1.0
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The signals that a thread that forks had blocked.
_held = threading.local()


def start_guard(lifeline):
    """Starts the guard. To be called while the process is small and has one thread, as it is copied."""
    if os.fork() > 0:
        return
    try:
        # Open pipes of the server would look like signs of the model's life.
        os.closerange(0, lifeline)
        while os.read(lifeline, 64):
            pass
    finally:
        os.killpg(0, signal.SIGKILL)


def ignore_end_signals():
    """Has SIGINT and SIGTERM do nothing, in this process alone: the server decides when it ends.

    A signal to the group (Ctrl-C in a terminal, say) reaches all processes. Those that the model starts must end by such
    a signal, so it is not ignored as such, which they would inherit.
    """
    for number in _END_SIGNALS:
        signal.signal(number, _do_nothing)
    # A copy may be told to end before it gets to run: the signal waits for the handler that it is for.
    os.register_at_fork(before=_hold_signals, after_in_parent=_take_signals, after_in_child=_end_by_signals)


def _do_nothing(number, frame):
    pass


def _hold_signals():
    _held.before = signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)


def _take_signals():
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.before)


def _end_by_signals():
    for number in _END_SIGNALS:
        if signal.getsignal(number) is _do_nothing:
            signal.signal(number, signal.SIG_DFL)
    _take_signals()


def start_heartbeat(lifeline):
    """Sends a byte a second from a thread of its own."""
    sock = socket.socket(fileno=lifeline)
    threading.Thread(target=_beat, args=(sock,), name="heartbeat", daemon=True).start()


def _beat(sock):
    while True:
        try:
            # Not a non-blocking socket: the guard, which shares it, has to block.
            sock.send(b".", socket.MSG_DONTWAIT)
        except BlockingIOError:
            # The server is busy; it will find the bytes that are there.
            pass
        except OSError:
            # It has gone, and the guard does the rest.
            return
        time.sleep(HEARTBEAT_SECONDS)


def limit_memory(byte_size):
    """Limits the data memory of this process (and of each that it starts). Beyond it, Python raises MemoryError."""
    import resource

    # Address space would count what CUDA and thread stacks only reserve.
    resource.setrlimit(resource.RLIMIT_DATA, (byte_size, byte_size))
