"""What most Python-based backends need: `from nereid_backend import answer_in_batches, Parameter`."""

from .batch import Bfloat16Bits, answer_in_batches
from .gpus import instance_gpu, refuse_gpus
from .parameters import Parameter, read_parameters, warn_of_unused_parameters
from .ragged import batch_inputs, refuse_ragged
from .settings import backend_settings
from .tensor_configs import model_dims, sequence_inputs, sequence_outputs
from .trace import record_activity

__all__ = [
    "Bfloat16Bits",
    "Parameter",
    "answer_in_batches",
    "backend_settings",
    "batch_inputs",
    "instance_gpu",
    "model_dims",
    "read_parameters",
    "record_activity",
    "refuse_gpus",
    "refuse_ragged",
    "sequence_inputs",
    "sequence_outputs",
    "warn_of_unused_parameters",
]
