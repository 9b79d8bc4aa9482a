"""Framed messages over a socket. A frame is a header in JSON and the bytes of its tensors, one after the other.

    uint32  bytes of the header      uint64  bytes of the tensors      int64  place      header      tensors

Large tensors lie in shared memory, and `place` says where; it is -1 for those that follow their header. A frame without
a header gives a place back or, with place -1, the loan whose number stands for the bytes of the tensors.

Only one thread reads at a time, for all: the main thread when it has nothing to execute, others that wait for an answer.
"""

import json
import os
import socket
import struct
import threading

from .outbox import Outbox
from .receiver import Receiver
from .shared_memory import Borrowed, Incoming, Outgoing, Progress, may_borrow

_PREFIX = struct.Struct("<IQq")
_CHUNK = 1 << 16
_IN_LINE = -1
# Fewer bytes than these are joined before they are sent: copying them is cheaper than one more vector of the kernel.
_JOIN = 1 << 12
# From so many bytes on tensors are shared: see docs/adr/0010.
_SHARED = 1 << 17

# What is no JSON (NaN) is an exception here, not a frame that the server can't read.
encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode


class Closed(Exception):
    """The server has gone."""


class Channel:
    """Sends frames from any thread, and hands what arrives to `dispatch(header, tensors)`."""

    def __init__(self, sock, dispatch):
        self._socket = sock
        self._dispatch = dispatch
        self._receiver = Receiver(sock)
        self._send_lock = threading.Lock()
        self._outbox = Outbox(sock, self._send_lock)
        # Guards `_is_reading`, and is told whenever something was read.
        self._turn = threading.Condition(threading.Lock())
        self._is_reading = False
        self._rest = b""
        self._is_closed = False
        self._incoming = None
        self._outgoing = None
        self._progress = None
        self._may_share = False
        self._borrowed = None
        # Whether this is a copy of the process that the server started.
        self.is_left = False
        os.register_at_fork(after_in_child=self.leave)

    def leave(self):
        """In a copy of this process that the model has made (`os.fork`): the server hears the original alone."""
        self.is_left = True
        self.send = self.read = self.wait = self.poll = self._refuse
        # What the server waits for is the end of the original.
        self._socket.close()

    def _refuse(self, *_, **__):
        raise OSError("a copy of the model's process has no connection to the server (os.fork): end it with os._exit()")

    def spin(self, seconds):
        """While frames come fast, the thread that reads looks for the next one so long before it sleeps."""
        self._receiver.spin_seconds = seconds

    def offer_memory(self):
        """Tells the server where shared memory is; it may decline by not answering."""
        try:
            self._incoming, self._outgoing, self._progress = Incoming(), Outgoing(), Progress()
        except (AttributeError, OSError):
            # Not Linux, or a kernel that refuses: all tensors take the socket.
            return
        folder = f"/proc/{os.getpid()}/fd"
        files = {"inputs": self._incoming, "outputs": self._outgoing, "progress": self._progress}
        self.send({"kind": "memory", **{name: f"{folder}/{file.fd}" for name, file in files.items()}})

    def accept_memory(self, folder):
        """The server reads what is put into shared memory. `folder`: where its own memory files are; None: not to be used."""
        self._may_share = True
        self._outbox.progress = self._progress
        if folder is not None and may_borrow(folder):
            self._borrowed = Borrowed(folder)
            self.send({"kind": "borrows"})

    def borrow(self, loan, size):
        """The bytes of a tensor in the server's memory."""
        return self._borrowed.take(loan, size)

    def begin(self, batch):
        """Notes that the model gets a batch: should it end the process, the server sends those behind it elsewhere."""
        if self._progress is not None:
            self._progress.begin(batch)

    def send(self, header, buffers=(), soon=False):
        """Sends a frame. `header` is a dict, or JSON text; `buffers` are bytes-like objects, which are not kept.

        `soon`: a small one may leave with what follows, at most a moment later.
        """
        # Half of a surrogate pair, which Python's text may have, becomes what JSON writes for it.
        text = (header if isinstance(header, str) else encode(header)).encode("utf-8", "backslashreplace")
        size = 0
        for buffer in buffers:
            size += buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
        shares = size >= _SHARED and self._may_share
        if shares and not self._outgoing.has_room(size):
            # What the server gave back may have arrived already.
            self.poll()
        with self._send_lock:
            place = _IN_LINE
            if shares and self._outgoing.has_room(size):
                found = self._outgoing.put(buffers, size)
                if found is not None:
                    place, buffers = found, ()
            head = self._releases() + _PREFIX.pack(len(text), size, place) + text
            if not buffers or size <= _JOIN:
                (self._outbox.send_soon if soon else self._outbox.send)((head, *buffers))
            else:
                self._outbox.send((head,))
                for buffer in buffers:
                    self._socket.sendall(buffer)

    def read(self, queue):
        """Waits until `queue` has something, and dispatches what arrives."""
        self._tell_releases()
        self.wait(lambda: queue)

    def wait(self, is_done):
        """Waits until `is_done()`, which frames change, and reads for all if nobody else does."""
        with self._turn:
            while not is_done():
                if self._is_reading:
                    # Whoever reads dispatches what this thread waits for, or leaves the reading to it.
                    self._turn.wait()
                else:
                    self._read_in_turn(self._receiver.receive)

    def poll(self):
        """Dispatches what has arrived, without waiting."""
        with self._turn:
            try:
                while not self._is_reading:
                    self._read_in_turn(self._receive_arrived)
            except BlockingIOError:
                pass

    def fileno(self):
        return self._socket.fileno()

    def _receive_arrived(self, size):
        return self._socket.recv(size, socket.MSG_DONTWAIT)

    def _read_in_turn(self, receive):
        """Reads once, without holding the lock meanwhile."""
        self._is_reading = True
        self._turn.release()
        try:
            self._read_once(receive)
        finally:
            self._turn.acquire()
            self._is_reading = False
            self._turn.notify_all()

    def _read_once(self, receive):
        if self._is_closed:
            raise Closed()
        chunk = receive(_CHUNK)
        if not chunk:
            self._is_closed = True
            raise Closed()
        data = self._rest + chunk if self._rest else chunk
        self._rest = b""
        at = 0
        while at < len(data):
            end = self._take_frame(data, at)
            if end is None:
                self._rest = data[at:]
                return
            at = end

    def _take_frame(self, data, at):
        """Dispatches the frame that begins at a byte. Returns its end, None when its header is not all there."""
        start = at + _PREFIX.size
        if len(data) < start:
            return None
        header_size, tensor_size, place = _PREFIX.unpack_from(data, at)
        if header_size == 0:
            with self._send_lock:
                self._outgoing.release(place)
            return start
        body = start + header_size
        if len(data) < body:
            return None
        header, _ = _decode(data[start:body].decode())
        end = body
        tensors = None
        if place != _IN_LINE:
            tensors = self._incoming.take(place, tensor_size)
        elif tensor_size > 0:
            end = body + tensor_size
            # Of its own: arrays of the model may outlive the frame, and may be written to.
            tensors = memoryview(bytearray(data[body:end]) if end <= len(data) else self._receive_rest(data[body:], tensor_size))
        self._dispatch(header, tensors)
        return end

    def _receive_rest(self, first, size):
        """The tensors of a frame of which only the first bytes have come, received into their place."""
        whole = bytearray(size)
        tensors = memoryview(whole)
        tensors[: len(first)] = first
        at = len(first)
        while at < size:
            received = self._socket.recv_into(tensors[at:])
            if received == 0:
                self._is_closed = True
                raise Closed()
            at += received
        return whole

    def _releases(self):
        """Frames that give back the places and the loans that the model needs no more."""
        given = b""
        if self._incoming is not None and self._incoming.released:
            given = _drain(self._incoming.released, lambda place: _PREFIX.pack(0, 0, place))
        if self._borrowed is not None and self._borrowed.released:
            given += _drain(self._borrowed.released, lambda loan: _PREFIX.pack(0, loan, _IN_LINE))
        return given

    def _tell_releases(self):
        given_back = self._incoming is not None and self._incoming.released
        if given_back or (self._borrowed is not None and self._borrowed.released):
            with self._send_lock:
                self._outbox.send((self._releases(),))


def _drain(released, pack):
    return b"".join(pack(released.popleft()) for _ in range(len(released)))
