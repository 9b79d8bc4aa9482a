"""Where a model would like the outputs of other models to be. They always are in the CPU's memory."""

import enum


class MemoryType(enum.Enum):
    TRITONSERVER_MEMORY_CPU = 0
    TRITONSERVER_MEMORY_GPU = 1


class PreferredMemory:
    """A wish, kept but without effect: nothing here is on a GPU."""

    def __init__(self, preferred_memory_type, preferred_device_id=0):
        if not isinstance(preferred_memory_type, MemoryType):
            raise TypeError(
                f"PreferredMemory: expected TRITONSERVER_MEMORY_CPU or TRITONSERVER_MEMORY_GPU, found {preferred_memory_type!r}"
            )
        self.memory_type = preferred_memory_type
        self.device_id = preferred_device_id
