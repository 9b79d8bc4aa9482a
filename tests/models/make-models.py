"""Writes the tiny ONNX models that tests use: `python make-models.py` (needs the package onnx).

They are committed, so it runs only when a model is added or changed.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TARGET = Path(__file__).parents[2] / "packages" / "backend-onnx" / "test" / "models"

# Triton's name: ONNX element type.
DATATYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
    "BF16": TensorProto.BFLOAT16,
}


def tensor(name, element_type, shape):
    return helper.make_tensor_value_info(name, element_type, shape)


def build(name, nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializer=list(initializers))
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model


def save(name, model, inside="model.onnx", **options):
    path = TARGET / name / "1" / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(model, path, **options)


def identities():
    """Y = X of shape [batch, n], one for each datatype."""
    for datatype, element_type in DATATYPES.items():
        name = f"identity_{datatype.lower()}"
        node = helper.make_node("Identity", ["X"], ["Y"])
        x, y = (tensor(t, element_type, ["batch", "n"]) for t in "XY")
        save(name, build(name, [node], [x], [y]))


def add_sub():
    """SUM = A + B and DIFFERENCE = A - B of shape [batch, 4]."""
    nodes = [
        helper.make_node("Add", ["A", "B"], ["SUM"]),
        helper.make_node("Sub", ["A", "B"], ["DIFFERENCE"]),
    ]
    a, b, total, difference = (
        tensor(t, TensorProto.FLOAT, ["batch", 4]) for t in ("A", "B", "SUM", "DIFFERENCE")
    )
    save("add_sub", build("add_sub", nodes, [a, b], [total, difference]))


def double_scalar():
    """Y = X + X, both scalars."""
    x, y = (tensor(t, TensorProto.FLOAT, []) for t in "XY")
    save("double_scalar", build("double_scalar", [helper.make_node("Add", ["X", "X"], ["Y"])], [x], [y]))


def row_sum():
    """Y = sum over each row of X [batch, n]: one element a row, shape [batch]."""
    axes = numpy_helper.from_array(np.array([1], dtype=np.int64), "axes")
    x, y = tensor("X", TensorProto.FLOAT, ["batch", "n"]), tensor("Y", TensorProto.FLOAT, ["batch"])
    node = helper.make_node("ReduceSum", ["X", "axes"], ["Y"], keepdims=0)
    save("row_sum", build("row_sum", [node], [x], [y], [axes]))


def transpose():
    """Y = X transposed; X is [m, n], without a batch dimension."""
    x, y = tensor("X", TensorProto.INT32, ["m", "n"]), tensor("Y", TensorProto.INT32, ["n", "m"])
    save("transpose", build("transpose", [helper.make_node("Transpose", ["X"], ["Y"])], [x], [y]))


def pick():
    """Y = the elements of [10, 20, 30] at the INDEX of shape [batch, 1]; an index out of range fails."""
    table = numpy_helper.from_array(np.array([10, 20, 30], dtype=np.float32), "table")
    index = tensor("INDEX", TensorProto.INT64, ["batch", 1])
    y = tensor("Y", TensorProto.FLOAT, ["batch", 1])
    save("pick", build("pick", [helper.make_node("Gather", ["table", "INDEX"], ["Y"])], [index], [y], [table]))


def external_weights():
    """Y = X + weights, in a folder `model.onnx/` with the weights in a file of their own."""
    weights = numpy_helper.from_array(np.arange(64, dtype=np.float32), "weights")
    x, y = (tensor(t, TensorProto.FLOAT, ["batch", 64]) for t in "XY")
    model = build("external_weights", [helper.make_node("Add", ["X", "weights"], ["Y"])], [x], [y], [weights])
    save(
        "external_weights",
        model,
        inside="model.onnx/model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )


def sequence_output():
    """Y = X of shape [batch, 2] and PARTS, a sequence of tensors, which can't be served."""
    nodes = [
        helper.make_node("Identity", ["X"], ["Y"]),
        helper.make_node("SequenceConstruct", ["X", "X"], ["PARTS"]),
    ]
    x, y = (tensor(t, TensorProto.FLOAT, ["batch", 2]) for t in "XY")
    parts = helper.make_tensor_sequence_value_info("PARTS", TensorProto.FLOAT, None)
    save("sequence_output", build("sequence_output", nodes, [x], [y, parts]))


def ragged():
    """
    VALUES [total], joined from all requests, and ENDS [requests], the running sum of their lengths:
    ECHO = VALUES and LENGTHS = ENDS minus the one before.
    """
    zero = numpy_helper.from_array(np.array([0], dtype=np.int32), "zero")
    first, last, axis = (
        numpy_helper.from_array(np.array([v], dtype=np.int64), n) for n, v in (("first", 0), ("last", -1), ("axis", 0))
    )
    nodes = [
        helper.make_node("Identity", ["VALUES"], ["ECHO"]),
        helper.make_node("Slice", ["ENDS", "first", "last", "axis"], ["before"]),
        helper.make_node("Concat", ["zero", "before"], ["starts"], axis=0),
        helper.make_node("Sub", ["ENDS", "starts"], ["LENGTHS"]),
    ]
    values, echo = (tensor(t, TensorProto.FLOAT, ["total"]) for t in ("VALUES", "ECHO"))
    ends, lengths = (tensor(t, TensorProto.INT32, ["requests"]) for t in ("ENDS", "LENGTHS"))
    save("ragged", build("ragged", nodes, [values, ends], [echo, lengths], [zero, first, last, axis]))


def sequence_sum():
    """
    For the sequence batcher. OUTPUT = INPUT + STATE_IN, and STATE_OUT the same; SEEN = [START, END, READY] and
    ID = CORRID, all of shape [batch, 1] but SEEN.
    """
    nodes = [
        helper.make_node("Add", ["INPUT", "STATE_IN"], ["OUTPUT"]),
        helper.make_node("Identity", ["OUTPUT"], ["STATE_OUT"]),
        helper.make_node("Concat", ["START", "END", "READY"], ["SEEN"], axis=1),
        helper.make_node("Identity", ["CORRID"], ["ID"]),
    ]
    values = [tensor(t, TensorProto.INT32, ["batch", 1]) for t in ("INPUT", "STATE_IN", "START", "END", "READY")]
    sums = [tensor(t, TensorProto.INT32, ["batch", 1]) for t in ("OUTPUT", "STATE_OUT")]
    seen = tensor("SEEN", TensorProto.INT32, ["batch", 3])
    ids = [tensor(t, TensorProto.INT64, ["batch", 1]) for t in ("CORRID", "ID")]
    save("sequence_sum", build("sequence_sum", nodes, [*values, ids[0]], [*sums, seen, ids[1]]))


if __name__ == "__main__":
    identities()
    add_sub()
    double_scalar()
    row_sum()
    transpose()
    pick()
    external_weights()
    sequence_output()
    ragged()
    sequence_sum()
