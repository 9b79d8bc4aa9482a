"""Makes a repository of models for OpenVINO in a folder, and cases.json with what it answers: make-models.py FOLDER"""

import os
import sys

import numpy as np
import onnx
import openvino as ov
import openvino.opset13 as op
from onnx import TensorProto, helper

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from cases import Cases  # noqa: E402

FOLDER = sys.argv[1]
CASES = Cases()
RANDOM = np.random.default_rng(1)
# What the server is told, too: on a CPU that has bfloat16, the last digits depend on the size of the batch.
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def folder_of(name, config=None):
    directory = os.path.join(FOLDER, "models", name, "1")
    os.makedirs(directory)
    if config is not None:
        with open(os.path.join(directory, "../config.pbtxt"), "w") as file:
            file.write(config)
    return directory


def perceptron(rows):
    """Two layers with a batch of that size; -1: any."""
    x = op.parameter([rows, 4], np.float32, name="x")
    x.output(0).set_names({"x"})
    hidden = op.relu(op.matmul(x, op.constant(RANDOM.normal(size=(4, 8)).astype(np.float32)), False, False))
    y = op.softmax(op.matmul(hidden, op.constant(RANDOM.normal(size=(8, 3)).astype(np.float32)), False, False), 1)
    y.output(0).set_names({"y"})
    return ov.Model([y], [x], "perceptron")


def parameter(key, value):
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'


def add_ir(name, model, config, rows):
    ov.save_model(model, os.path.join(folder_of(name, config), "model.xml"), compress_to_fp16=False)
    add_cases(name, model, rows)


def add_cases(name, model, rows):
    any_batch = model.clone()
    any_batch.reshape([-1, 4])
    compiled = ov.Core().compile_model(any_batch, "CPU", PRECISION)
    for count in rows:
        x = RANDOM.normal(size=(count, 4)).astype(np.float32)
        CASES.add(name, {"x": x}, {"y": compiled(x)["y"]})


def add_perceptrons():
    model = perceptron(-1)
    # Nothing is said of it: OpenVINO knows it all.
    add_ir("completed", model, None, (1, 3, 4))
    threads = parameter("INFERENCE_NUM_THREADS", "1") + parameter("NUM_STREAMS", "1")
    hint = parameter("PERFORMANCE_HINT", "latency") + parameter("TARGET_DEVICE", "cpu")
    batching = 'backend: "openvino"\nmax_batch_size: 8\ndynamic_batching { max_queue_delay_microseconds: 200000 }\n'
    add_ir("tuned", model, batching + threads + hint, (1, 3, 4))
    fixed = 'backend: "openvino"\nmax_batch_size: 4\n' + parameter("SKIP_OV_DYNAMIC_BATCHSIZE", "YES")
    add_ir("padded", perceptron(4), fixed + parameter("ENABLE_BATCH_PADDING", "YES"), (1, 4))
    add_ir("fixed", perceptron(4), fixed, (4,))
    add_ir("made_dynamic", perceptron(1), 'backend: "openvino"\nmax_batch_size: 4\n', (1, 3))
    shape = 'backend: "openvino"\ninput { name: "x" data_type: TYPE_FP32 dims: [ 2, 4 ] }\n'
    shape += 'output { name: "y" data_type: TYPE_FP32 dims: [ 2, 3 ] }\n'
    add_ir("reshaped", perceptron(1), shape + parameter("RESHAPE_IO_LAYERS", "yes"), (2,))


def add_shapes():
    """Tensors without dimensions, and a row that is one element: no configuration has empty dims."""
    x, factor = op.parameter([-1], np.float32, name="x"), op.parameter([], np.float32, name="factor")
    x.output(0).set_names({"x"})
    factor.output(0).set_names({"factor"})
    scaled = op.multiply(x, factor)
    total = op.reduce_sum(scaled, op.constant([0]), False)
    scaled.output(0).set_names({"scaled"})
    total.output(0).set_names({"total"})
    folder = folder_of("scalars", 'backend: "openvino"\n')
    ov.save_model(ov.Model([scaled, total], [x, factor], "scalars"), os.path.join(folder, "model.xml"), compress_to_fp16=False)
    values = np.array([1, 2, 4], np.float32)
    one = np.ones(1, np.float32)
    CASES.add("scalars", {"x": values, "factor": 3 * one}, {"scaled": 3 * values, "total": 21 * one})
    double = op.add(x, x)
    double.output(0).set_names({"y"})
    ov.save_model(ov.Model([double], [x], "elements"), os.path.join(folder_of("elements"), "model.xml"), compress_to_fp16=False)
    CASES.add("elements", {"x": values.reshape(3, 1)}, {"y": 2 * values.reshape(3, 1)})


def add_converted():
    """Numbers of another datatype than the model's are converted, as the configuration says."""
    config = 'backend: "openvino"\nmax_batch_size: 4\ninput { name: "x" data_type: TYPE_UINT8 dims: [ 4 ] }\n'
    config += 'output { name: "y" data_type: TYPE_FP64 dims: [ 3 ] }\n'
    model = perceptron(-1)
    ov.save_model(model, os.path.join(folder_of("converted", config), "model.xml"), compress_to_fp16=False)
    x = np.array([[0, 1, 2, 255], [3, 4, 5, 6]], np.uint8)
    answer = ov.Core().compile_model(model, "CPU", PRECISION)(x.astype(np.float32))["y"]
    CASES.add("converted", {"x": x}, {"y": answer.astype(np.float64)})


def add_pair():
    """Two inputs: OpenVINO itself would answer without one of them."""
    a, b = (op.parameter([-1, 4], np.float32, name=name) for name in "ab")
    for port, name in ((a, "a"), (b, "b")):
        port.output(0).set_names({name})
    y = op.add(a, b)
    y.output(0).set_names({"y"})
    folder = folder_of("pair", 'backend: "openvino"\nmax_batch_size: 2\n')
    ov.save_model(ov.Model([y], [a, b], "pair"), os.path.join(folder, "model.xml"), compress_to_fp16=False)
    rows = np.ones((2, 4), np.float32)
    CASES.add("pair", {"a": rows, "b": 2 * rows}, {"y": 3 * rows})


def add_broken():
    model = perceptron(-1)
    ov.save_model(model, os.path.join(folder_of("no_weights"), "model.xml"))
    os.remove(os.path.join(FOLDER, "models/no_weights/1/model.bin"))
    with open(os.path.join(folder_of("no_model"), "model.xml"), "w") as file:
        file.write("<net")


def add_onnx():
    """ONNX as it is, with every datatype."""
    kinds = {"BOOL": bool, "UINT8": np.uint8, "FP16": np.float16, "FP32": np.float32, "FP64": np.float64}
    kinds |= {f"INT{bits}": getattr(np, f"int{bits}") for bits in (8, 16, 32, 64)}
    types = {name: helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for name, kind in kinds.items()}
    types["BF16"] = TensorProto.BFLOAT16
    nodes = [helper.make_node("Reshape", [f"X_{name}", "shape"], [f"Y_{name}"]) for name in types]
    inputs, outputs = (
        [helper.make_tensor_value_info(f"{letter}_{name}", kind, shape) for name, kind in types.items()]
        for letter, shape in (("X", [4]), ("Y", [2, 2]))
    )
    shape = onnx.numpy_helper.from_array(np.array([2, 2]), "shape")
    graph = helper.make_graph(nodes, "all", inputs, outputs, [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    # `platform` is Triton's older field.
    onnx.save(model, os.path.join(folder_of("datatypes", 'platform: "openvino"\n'), "model.onnx"))
    values = {name: np.array([0, 1, 1, 3]).astype(kind) for name, kind in kinds.items()}
    bits = np.array([0, 0x3F80, 0x4000, 0xC040], np.uint16)
    outputs = {f"Y_{name}": value.reshape(2, 2) for name, value in values.items()}
    CASES.add(
        "datatypes",
        {f"X_{name}": value for name, value in values.items()} | {"X_BF16": (bits, "BF16")},
        outputs | {"Y_BF16": (bits.reshape(2, 2), "BF16")},
    )


add_perceptrons()
add_onnx()
add_shapes()
add_converted()
add_pair()
add_broken()
CASES.write(os.path.join(FOLDER, "cases.json"))
