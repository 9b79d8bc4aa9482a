"""Memory that this process and the server share, for the tensors of large frames.

Each direction has a memory file of its own. Its sender says which place of it a frame's tensors have, and its receiver
gives the place back when it needs them no more. A model may keep views: a place is given back when the last one is gone.
A third, small one says how far the model has come. Tensors that lie in a memory file of the server's already are borrowed
there.
"""

import mmap
import os
import weakref
from collections import deque

# Sizes of places are powers of two, from this on, so that frames of much the same size share them.
_SMALLEST = 1 << 16
_PROGRESS = 1 << 16
# What the server has not taken yet: more than this waits in the socket, which makes the model wait, too.
_MOST_PLACES = 64
_MOST_BYTES = 1 << 28


class Outgoing:
    """Places of a memory file that this process writes."""

    def __init__(self):
        self.fd = os.memfd_create("nereid-outputs")
        self._end = 0
        self._free = {}
        self._sizes = {}
        # Places that the server has not given back, and their bytes.
        self._taken = 0
        self._taken_bytes = 0

    def has_room(self, size):
        """Whether tensors of that size may be put there now. Those of a single frame always may."""
        return self._taken == 0 or (self._taken < _MOST_PLACES and self._taken_bytes + size <= _MOST_BYTES)

    def put(self, buffers, size):
        """Writes tensors, and returns their place; None where there is no memory for them."""
        capacity = max(_SMALLEST, 1 << (size - 1).bit_length())
        free = self._free.setdefault(capacity, [])
        place = free.pop() if free else self._append(capacity)
        at = place
        try:
            for buffer in buffers:
                at += self._write(memoryview(buffer), at)
        except OSError:
            free.append(place)
            return None
        self._taken += 1
        self._taken_bytes += capacity
        return place

    def release(self, place):
        capacity = self._sizes[place]
        self._taken -= 1
        self._taken_bytes -= capacity
        self._free[capacity].append(place)

    def _append(self, capacity):
        place = self._end
        self._sizes[place] = capacity
        self._end += capacity
        return place

    def _write(self, data, at):
        # One call writes 2 GiB at most.
        written = 0
        while written < data.nbytes:
            written += os.pwrite(self.fd, data[written:], at + written)
        return written


class Progress:
    """What the server can still read when this process has ended: uint64 batch, uint64 bytes held, and these bytes."""

    def __init__(self):
        self.fd = os.memfd_create("nereid-progress")
        os.ftruncate(self.fd, _PROGRESS)
        self._bytes = memoryview(mmap.mmap(self.fd, _PROGRESS))
        self._numbers = self._bytes[:16].cast("Q")
        self._held = 0

    def begin(self, batch):
        """The model gets this batch."""
        self._numbers[0] = batch

    def hold(self, data):
        """Keeps bytes that are to be sent. False: there is no room."""
        at = 16 + self._held
        end = at + len(data)
        if end > _PROGRESS:
            return False
        self._bytes[at:end] = data
        self._held = end - 16
        # Last: before that they are not there.
        self._numbers[1] = self._held
        return True

    def sent(self):
        self._held = 0
        self._numbers[1] = 0


class Incoming:
    """Places of a memory file that the server writes."""

    def __init__(self):
        self.fd = os.memfd_create("nereid-inputs")
        self._maps = {}
        self._views = {}
        # Places that the model needs no more, to be told to the server. Finalizers add to it, on any thread.
        self.released = deque()

    def take(self, place, size):
        """The bytes of a frame, not copied."""
        mapped = self._maps.get(place)
        if mapped is None or len(mapped) < size:
            mapped = self._maps[place] = mmap.mmap(self.fd, size, offset=place)
        # Whatever is made of an array keeps it, which a view of the mapping does not.
        # Only here: a Python without numpy gets as far as saying so.
        import numpy as np

        whole = np.frombuffer(mapped, np.uint8, size)
        self._views[place] = weakref.ref(whole, lambda _: self._release(place))
        return memoryview(whole)

    def _release(self, place):
        self._views.pop(place, None)
        self.released.append(place)


def may_borrow(folder):
    """Whether this process has the right to the open files of the server."""
    try:
        os.stat(f"{folder}/{os.listdir(folder)[0]}")
    except (OSError, IndexError):
        return False
    return True


class Borrowed:
    """Tensors in memory files of the server. What the model writes to them changes a copy of this process."""

    def __init__(self, folder):
        self._folder = folder
        self._views = {}
        # Loans that the model needs no more, to be told to the server. Finalizers add to it, on any thread.
        self.released = deque()

    def take(self, loan, size):
        """The bytes of a tensor, not copied."""
        number, descriptor, offset = loan
        lead = offset % mmap.ALLOCATIONGRANULARITY
        try:
            file = os.open(f"{self._folder}/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                protection = mmap.PROT_READ | mmap.PROT_WRITE
                mapped = mmap.mmap(file, lead + size, mmap.MAP_PRIVATE, protection, offset=offset - lead)
            finally:
                os.close(file)
        except OSError:
            self.released.append(number)
            raise
        # As above: whatever is made of an array keeps it.
        import numpy as np

        whole = np.frombuffer(mapped, np.uint8, size, lead)
        self._views[number] = weakref.ref(whole, lambda _: self._release(number))
        return memoryview(whole)

    def _release(self, number):
        self._views.pop(number, None)
        self.released.append(number)
