"""Values on the way between numpy, in which requests and responses come, and PyTorch."""

import numpy as np
import torch
from nereid_backend import Bfloat16Bits


def to_torch(name, array, device):
    """An input for `forward`: a tensor on the device, or a list of str for a BYTES tensor."""
    if array.dtype == np.object_:
        return _to_strings(name, array)
    # A model may write into its inputs, but these may be a view of what the server sent.
    writable = array if array.flags.writeable else array.copy()
    if isinstance(array, Bfloat16Bits):
        return torch.from_numpy(writable.view(np.ndarray).view(np.int16)).view(torch.bfloat16).to(device)
    return torch.from_numpy(writable).to(device)


def to_numpy(name, value, config, batched):
    """An output for a response. config: its entry in the configuration. Raises ValueError naming it."""
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        array = _from_strings(value, config, batched)
    elif isinstance(value, (bool, int, float, torch.Tensor)):
        array = _tensor_to_numpy(name, torch.as_tensor(value).detach().cpu())
    else:
        raise ValueError(f"output '{name}': expected a tensor or a list of str, forward gave {type(value).__name__}")
    expected, found = config["data_type"].removeprefix("TYPE_"), _datatype(name, array)
    if expected != found:
        raise ValueError(f"output '{name}': the configuration has TYPE_{expected}, the model gives TYPE_{found}")
    # No configuration has empty dims: a scalar is one dimension of 1 there.
    return array.reshape(1) if array.ndim == 0 and not batched else array


def _tensor_to_numpy(name, tensor):
    if tensor.is_sparse or tensor.is_quantized:
        raise ValueError(f"output '{name}': expected a dense tensor, forward gave one of {tensor.layout}, {tensor.dtype}")
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view(np.uint16).view(Bfloat16Bits)
    return tensor.resolve_conj().resolve_neg().numpy()


_DATATYPES = {
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign}int{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"FP{bits}" for bits in (16, 32, 64)},
    "object": "STRING",
}


def _datatype(name, array):
    if isinstance(array, Bfloat16Bits):
        return "BF16"
    if array.dtype.name not in _DATATYPES:
        raise ValueError(f"output '{name}' is of {array.dtype.name}, which is no datatype of a tensor")
    return _DATATYPES[array.dtype.name]


def _to_strings(name, array):
    # PyTorch has no tensor of strings: TorchScript takes a list of str, which has one dimension.
    if array.size != max(array.shape, default=1):
        raise ValueError(f"input '{name}': strings must have one dimension, found shape {list(array.shape)}")
    try:
        return [value.decode() if isinstance(value, bytes) else str(value) for value in array.reshape(-1)]
    except UnicodeDecodeError as error:
        raise ValueError(f"input '{name}': expected strings in UTF-8: {error}") from error


def _from_strings(values, config, batched):
    array = np.array(list(values), dtype=np.object_)
    # With a batch dimension, `dims: [ 1 ]` is one string for each element of the batch.
    return array.reshape(-1, 1) if batched and len(config["dims"]) == 1 else array
