"""Framed messages over a socket. A frame is a header in JSON and the bytes of its tensors, one after the other.

    uint32  bytes of the header      uint64  bytes of the tensors      header      tensors

Only one thread reads at a time. The main thread does when it has nothing to execute; while it executes, a thread that
waits for an answer of the server reads for all.
"""

import json
import socket
import struct
import threading
from collections import deque

_PREFIX = struct.Struct("<IQ")
_CHUNK = 1 << 16
# Fewer bytes than these are joined before they are sent: copying them is cheaper than one more vector of the kernel.
_JOIN = 1 << 12

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Closed(Exception):
    """The server has gone."""


class Channel:
    """Sends frames from any thread, and hands what arrives to `dispatch(header, tensors)`."""

    def __init__(self, sock, dispatch):
        self._socket = sock
        self._dispatch = dispatch
        self._send_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._buffer = bytearray()
        self._is_closed = False
        self._main_waits = False

    def send(self, header, buffers=()):
        """Sends a frame. `buffers` are bytes-like objects; they are not kept."""
        text = _encode(header).encode()
        size = 0
        for buffer in buffers:
            size += buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
        head = _PREFIX.pack(len(text), size) + text
        with self._send_lock:
            if size <= _JOIN:
                self._socket.sendall(b"".join((head, *buffers)) if buffers else head)
            else:
                self._socket.sendall(head)
                for buffer in buffers:
                    self._socket.sendall(buffer)

    def read(self, queue):
        """Waits until `queue` has something, and dispatches what arrives. Only for the main thread, which goes first."""
        self._main_waits = True
        try:
            while not queue:
                with self._read_lock:
                    if not queue:
                        self._read_once()
        finally:
            self._main_waits = False

    def wait(self, is_done, changed):
        """Waits until `is_done()`, which changes with the condition `changed`, and reads for all if nobody else does."""
        while not is_done():
            if not self._main_waits and self._read_lock.acquire(blocking=False):
                try:
                    if not is_done():
                        self._read_once()
                finally:
                    self._read_lock.release()
                with changed:
                    changed.notify_all()
            else:
                # Whoever reads dispatches what this thread waits for, or stops reading and leaves it the lock.
                with changed:
                    if not is_done():
                        changed.wait(0.01)

    def poll(self):
        """Dispatches what has arrived, without waiting."""
        if not self._read_lock.acquire(blocking=False):
            return
        try:
            while True:
                self._read_once(socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        finally:
            self._read_lock.release()

    def fileno(self):
        return self._socket.fileno()

    def _read_once(self, flags=0):
        self._buffer += self._receive(_CHUNK, flags)
        self._take_frames()

    def _receive(self, size, flags=0):
        if self._is_closed:
            raise Closed()
        chunk = self._socket.recv(size, flags)
        if not chunk:
            self._is_closed = True
            raise Closed()
        return chunk

    def _take_frames(self):
        buffer, at = self._buffer, 0
        while len(buffer) - at >= _PREFIX.size:
            header_size, tensor_size = _PREFIX.unpack_from(buffer, at)
            start = at + _PREFIX.size
            body = start + header_size
            while len(buffer) < body:
                buffer += self._receive(max(_CHUNK, body - len(buffer)))
            header = json.loads(buffer[start:body])
            at = body + tensor_size
            if tensor_size == 0:
                tensors = None
            elif len(buffer) >= at:
                # Of its own: arrays of the model may outlive the frame.
                tensors = memoryview(buffer[body:at])
            else:
                tensors = self._receive_rest(buffer[body:], tensor_size)
                at = len(buffer)
            self._dispatch(header, tensors)
        del buffer[:at]

    def _receive_rest(self, first, size):
        """The tensors of a large frame, received into their place."""
        tensors = memoryview(bytearray(size))
        tensors[: len(first)] = first
        at = len(first)
        while at < size:
            received = self._socket.recv_into(tensors[at:])
            if received == 0:
                self._is_closed = True
                raise Closed()
            at += received
        return tensors


class Calls:
    """Questions to the server and their answers, by number. Answers may be several (streams)."""

    def __init__(self, channel):
        self._channel = channel
        self._changed = threading.Condition()
        self._answers = {}
        self._listeners = {}
        self._next = 0

    def ask(self, header, buffers=(), listener=None):
        """Sends a question. A `listener()` is called, on the thread that reads, when an answer has come."""
        with self._changed:
            call = self._next
            self._next += 1
            self._answers[call] = deque()
            if listener is not None:
                self._listeners[call] = listener
        self._channel.send({**header, "call": call}, buffers)
        return call

    def answer(self, header, tensors):
        """Takes an answer in; called by who reads."""
        call = header["call"]
        with self._changed:
            answers = self._answers.get(call)
            if answers is not None:
                answers.append((header, tensors))
            listener = self._listeners.get(call)
            self._changed.notify_all()
        if listener is not None:
            listener()

    def wait_for(self, call):
        """Waits until there is an answer, and leaves it there."""
        answers = self._answers[call]
        if not answers:
            self._channel.wait(lambda: bool(answers), self._changed)

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

    def forget(self, call):
        with self._changed:
            self._answers.pop(call, None)
            self._listeners.pop(call, None)
