"""Turns ONNX's own node tests into a model repository and a list of requests: `python collect.py FOLDER`.

FOLDER/models/NAME/1/model.onnx   every model whose tensors the protocol can carry, without a configuration
FOLDER/tests.json                 its requests: {name, sets: [{inputs, outputs}], reason?}; a tensor is {name, datatype,
                                  shape, offset, size} in FOLDER/tensors.bin, as the protocol writes it. `reason` says why
                                  a test can't be sent.
"""

import json
import os
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

NODE_TESTS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"

DATATYPES = {
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
    TensorProto.UINT16: "UINT16",
    TensorProto.UINT32: "UINT32",
    TensorProto.UINT64: "UINT64",
    TensorProto.INT8: "INT8",
    TensorProto.INT16: "INT16",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.FLOAT16: "FP16",
    TensorProto.FLOAT: "FP32",
    TensorProto.DOUBLE: "FP64",
    TensorProto.STRING: "BYTES",
    TensorProto.BFLOAT16: "BF16",
}


class NotRepresentable(Exception):
    """The protocol has no way to say this."""


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models").mkdir(parents=True)
    with open(folder / "tensors.bin", "wb") as tensors:
        tests = [collect(path, folder, tensors) for path in sorted(NODE_TESTS.iterdir()) if path.is_dir()]
    (folder / "tests.json").write_text(json.dumps(tests))


def collect(path, folder, tensors):
    model_file = path / "model.onnx"
    try:
        graph = onnx.load(model_file).graph
        constants = {constant.name for constant in graph.initializer}
        inputs = [value for value in graph.input if value.name not in constants]
        for value in [*inputs, *graph.output]:
            check_type(value.type)
        start = tensors.tell()
        try:
            sets = [read_set(data, inputs, graph.output, tensors) for data in sorted(path.glob("test_data_set_*"))]
        except NotRepresentable:
            tensors.seek(start)
            raise
    except NotRepresentable as reason:
        return {"name": path.name, "sets": [], "reason": str(reason)}
    target = folder / "models" / path.name / "1"
    target.mkdir(parents=True)
    for file in path.iterdir():
        if file.is_file():
            shutil.copyfile(file, target / file.name)
    return {"name": path.name, "sets": sets}


def check_type(type_proto):
    kind = type_proto.WhichOneof("value")
    if kind != "tensor_type":
        raise NotRepresentable(kind.removesuffix("_type") + " instead of a tensor")
    check_element_type(type_proto.tensor_type.elem_type)


def check_element_type(element_type):
    if element_type not in DATATYPES:
        raise NotRepresentable(f"element type {TensorProto.DataType.Name(element_type)}")


def read_set(data, inputs, outputs, tensors):
    return {
        "inputs": read_tensors(data, "input", inputs, tensors),
        "outputs": read_tensors(data, "output", outputs, tensors),
    }


def read_tensors(data, kind, values, tensors):
    found = []
    for index, value in enumerate(values):
        path = data / f"{kind}_{index}.pb"
        if path.exists():
            found.append(write_tensor(value.name, onnx.load_tensor(path), tensors))
    return found


def write_tensor(name, proto, tensors):
    check_element_type(proto.data_type)
    raw = encode(numpy_helper.to_array(proto), proto.data_type)
    offset = tensors.tell()
    tensors.write(raw)
    return {
        "name": name,
        "datatype": DATATYPES[proto.data_type],
        "shape": list(proto.dims),
        "offset": offset,
        "size": len(raw),
    }


def encode(array, element_type):
    if element_type != TensorProto.STRING:
        return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    elements = [e if isinstance(e, bytes) else str(e).encode() for e in array.reshape(-1)]
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


if __name__ == "__main__":
    main(Path(os.path.abspath(sys.argv[1])))
