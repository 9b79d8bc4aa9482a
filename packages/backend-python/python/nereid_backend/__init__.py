"""What most Python-based backends need: `from nereid_backend import answer_in_batches, Parameter`."""

from .batch import Bfloat16Bits, answer_in_batches
from .parameters import Parameter, read_parameters, warn_of_unused_parameters

__all__ = ["Bfloat16Bits", "Parameter", "answer_in_batches", "read_parameters", "warn_of_unused_parameters"]
