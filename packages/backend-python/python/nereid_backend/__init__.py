"""What most Python-based backends need: `from nereid_backend import Batch, Parameter`."""

from .batch import Batch
from .parameters import Parameter, read_parameters, warn_of_unused_parameters

__all__ = ["Batch", "Parameter", "read_parameters", "warn_of_unused_parameters"]
