"""Makes a repository of SavedModels in a folder, and cases.json with what TensorFlow answers: make-models.py FOLDER"""

import json
import os
import shutil
import subprocess
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from cases import Cases  # noqa: E402

FOLDER = sys.argv[1]
CASES = Cases()
RANDOM = np.random.default_rng(1)
PLATFORM = 'platform: "tensorflow_savedmodel"\n'


def folder_of(name, config=None, filename="model.savedmodel"):
    directory = os.path.join(FOLDER, "models", name)
    os.makedirs(os.path.join(directory, "1"))
    if config is not None:
        with open(os.path.join(directory, "config.pbtxt"), "w") as file:
            file.write(config)
    return os.path.join(directory, "1", filename)


def parameter(key, value):
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def add_case(name, path, inputs, signature="serving_default"):
    """A request, and what the function of the signature gives when it is called in Python."""
    function = tf.saved_model.load(path).signatures[signature]
    outputs = function(**{key: tf.constant(value) for key, value in inputs.items()})
    CASES.add(name, inputs, {key: value.numpy() for key, value in outputs.items()})


def spec(shape, datatype=tf.float32):
    return tf.TensorSpec(shape, datatype)


def save(path, module, **functions):
    """Saves functions of one module: by the name of its signature a pair of function and arguments by name."""
    signatures = {
        name: tf.function(function).get_concrete_function(**arguments) for name, (function, arguments) in functions.items()
    }
    tf.saved_model.save(module, path, signatures=signatures)


def add_dense():
    model = keras.Sequential(
        [keras.Input((4,), name="x"), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    )
    # Nothing is said of it: the signature knows it all.
    completed = folder_of("completed")
    model.export(completed, verbose=False)
    batching = PLATFORM + "max_batch_size: 8\ndynamic_batching { max_queue_delay_microseconds: 200000 }\n"
    threads = parameter("TF_NUM_INTRA_THREADS", "1") + parameter("TF_NUM_INTER_THREADS", "-1")
    threads += parameter("TF_USE_PER_SESSION_THREADS", "On") + parameter("MAX_SESSION_SHARE_COUNT", "2")
    # One instance: the test counts its executions.
    group = "instance_group { kind: KIND_CPU count: 1 }\n"
    tuned = folder_of("tuned", batching + threads + group + 'default_model_filename: "dense"\n', "dense")
    shutil.copytree(completed, tuned)
    for name, path in (("completed", completed), ("tuned", tuned)):
        for rows in (1, 3, 4):
            add_case(name, path, {"x": floats(rows, 4)})


class Strings(tf.Module):
    def __init__(self):
        words = tf.lookup.KeyValueTensorInitializer(tf.constant(["one", "two"]), tf.constant([1, 2], tf.int64))
        self.table = tf.lookup.StaticHashTable(words, -1)

    def look_up(self, text):
        return {"loud": text + "!", "number": self.table.lookup(text)}


def add_strings():
    module, path = Strings(), folder_of("strings")
    save(path, module, serving_default=(module.look_up, {"text": spec([None], tf.string)}))
    # The server has a row of one element where the model has an element.
    for words in (["two"], ["one", "Grüße", b"\xff\x00\xfe"]):
        inputs = np.array(words, dtype=object)
        function = tf.saved_model.load(path).signatures["serving_default"]
        outputs = {key: value.numpy().reshape(-1, 1) for key, value in function(text=tf.constant(inputs)).items()}
        CASES.add("strings", {"text": inputs.reshape(-1, 1)}, outputs)


class TwoSignatures(tf.Module):
    def __init__(self):
        self.weight = tf.Variable(floats(2))

    def scale(self, x):
        return {"y": x * self.weight}

    def compare(self, a, b):
        return {"larger": a > b, "sum": a + b + self.weight}


def add_two_signatures():
    module, path = TwoSignatures(), folder_of("first", PLATFORM)
    pair = {"a": spec([None, 2]), "b": spec([None, 2])}
    save(path, module, serving_default=(module.scale, {"x": spec([None, 2])}), compare=(module.compare, pair))
    # One output is listed, so the other is not wanted; its dims come from the model.
    second = PLATFORM + 'output { name: "sum" }\n' + parameter("TF_SIGNATURE_DEF", "compare")
    shutil.copytree(path, folder_of("second", second))
    add_case("first", path, {"x": floats(3, 2)})
    a, b = floats(3, 2), floats(3, 2)
    total = tf.saved_model.load(path).signatures["compare"](a=tf.constant(a), b=tf.constant(b))["sum"].numpy()
    CASES.add("second", {"a": a, "b": b}, {"sum": total})


class Plain(tf.Module):
    """Without a batch: of one size, of any size, and scalars."""

    def fixed(self, x):
        return {"y": tf.transpose(x)}

    def any_size(self, x):
        return {"y": x[::2]}

    def scalars(self, x, text):
        return {"y": x + 1, "loud": text + "!"}


def add_plain():
    module = Plain()
    fixed = folder_of("fixed")
    save(fixed, module, serving_default=(module.fixed, {"x": spec([2, 3])}))
    add_case("fixed", fixed, {"x": floats(2, 3)})
    # Dims with all dimensions of the model say that the first is no batch.
    any_size = folder_of("any_size", PLATFORM + 'input { name: "x" data_type: TYPE_FP32 dims: [ -1, 2 ] }\n')
    save(any_size, module, serving_default=(module.any_size, {"x": spec([None, 2])}))
    add_case("any_size", any_size, {"x": floats(5, 2)})
    scalars = folder_of("scalars")
    save(scalars, module, serving_default=(module.scalars, {"x": spec([]), "text": spec([], tf.string)}))
    one, two = np.array([1], np.float32), np.array([2], np.float32)
    CASES.add("scalars", {"x": one, "text": np.array(["a"], object)}, {"y": two, "loud": np.array(["a!"], object)})


def add_datatypes():
    """Every datatype goes in and comes out; bfloat16 by its bits."""
    kinds = {f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)} | {f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)}
    kinds |= {f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)} | {"BOOL": "bool", "BF16": "bfloat16"}
    module, path = tf.Module(), folder_of("datatypes")
    arguments = {f"X_{name}": spec([None, 3], getattr(tf, kind)) for name, kind in kinds.items()}
    turn = lambda **tensors: {f"Y{name[1:]}": tensor[:, ::-1] for name, tensor in tensors.items()}  # noqa: E731
    save(path, module, serving_default=(turn, arguments))
    values = {name: np.array([[0, 1, 3]]).astype(getattr(tf, kind).as_numpy_dtype) for name, kind in kinds.items()}
    outputs = {f"Y_{name}": raw(name, value[:, ::-1]) for name, value in values.items()}
    CASES.add("datatypes", {f"X_{name}": raw(name, value) for name, value in values.items()}, outputs)


def raw(name, value):
    return (value.copy().view(np.uint16), name) if name == "BF16" else value.copy()


def add_graph_of_tensorflow_1():
    """A graph with another tag and another signature, and a variable that only an operation of its own fills."""
    settings = PLATFORM + parameter("TF_GRAPH_TAG", "old") + parameter("TF_INIT_OPS_FILE", "init_ops.json")
    path = folder_of("old", settings)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 2], "x")
        local = [tf.compat.v1.GraphKeys.LOCAL_VARIABLES]
        offset = tf.compat.v1.get_variable("offset", initializer=np.float32([3, 4]), collections=local, use_resource=False)
        tf.group(offset.initializer, name="fill")
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": x + offset})
        builder = tf.compat.v1.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(session, ["old"], signature_def_map={"predict": signature})
        builder.save()
    with open(os.path.join(FOLDER, "models/old/init_ops.json"), "w") as file:
        json.dump({"init_ops": ["fill"]}, file)
    x = floats(2, 2)
    CASES.add("old", {"x": x}, {"y": x + np.float32([3, 4])})


def add_operations():
    """A model with an operation that TensorFlow does not have."""
    library = os.path.join(FOLDER, "triple.so")
    source = os.path.join(os.path.dirname(__file__), "triple.cc")
    flags = [*tf.sysconfig.get_compile_flags(), *tf.sysconfig.get_link_flags()]
    subprocess.run(["c++", "-shared", "-fPIC", "-w", source, "-o", library, *flags], check=True)
    triple = tf.load_op_library(library).nereid_triple
    path = folder_of("operations", PLATFORM + f'model_operations {{ op_library_filename: "{library}" }}\n')
    save(path, tf.Module(), serving_default=(lambda x: {"y": triple(x=x)}, {"x": spec([None, 2])}))
    add_case("operations", path, {"x": floats(2, 2)})


class Accumulating(tf.Module):
    def add(self, x, start, total_in):
        total = x + tf.where(start > 0, tf.zeros_like(total_in), total_in)
        return {"total": total, "total_out": total}


def add_sequence():
    config = PLATFORM + """max_batch_size: 4
sequence_batching {
  control_input { name: "start" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } }
  state { input_name: "total_in" output_name: "total_out" data_type: TYPE_FP32 dims: [ 1 ] }
}
"""
    module, path = Accumulating(), folder_of("sequence", config)
    save(path, module, serving_default=(module.add, {name: spec([None, 1]) for name in ("x", "start", "total_in")}))


def fail_below_zero(x):
    tf.debugging.assert_greater(x, 0.0, message="x must be above 0")
    return {"y": x}


def add_others():
    module = tf.Module()
    save(folder_of("fails"), module, serving_default=(fail_below_zero, {"x": spec([None, 1])}))
    arguments = {"x": spec([None, 1])}
    identity = lambda x: {"y": x + 1}  # noqa: E731
    save(folder_of("unnamed"), module, one=(identity, arguments), two=(identity, arguments))
    save(folder_of("unknown_rank"), module, serving_default=(identity, {"x": spec(None)}))
    save(folder_of("complex"), module, serving_default=(identity, {"x": spec([None, 1], tf.complex64)}))
    with open(folder_of("graphdef", filename="model.graphdef"), "wb"):
        pass
    with open(folder_of("keras_file", PLATFORM, "model.keras"), "wb"):
        pass
    for name, removed in (("no_variables", "variables"), ("no_graph", "saved_model.pb")):
        path = folder_of(name)
        shutil.copytree(os.path.join(FOLDER, "models/completed/1/model.savedmodel"), path)
        os.rename(os.path.join(path, removed), os.path.join(path, "removed"))
    with open(os.path.join(path, "saved_model.pb"), "wb") as file:
        file.write(b"\xff\xff")
    with open(folder_of("a_file", PLATFORM), "wb"):
        pass


add_dense()
add_strings()
add_two_signatures()
add_plain()
add_datatypes()
add_graph_of_tensorflow_1()
add_operations()
add_sequence()
add_others()
CASES.write(os.path.join(FOLDER, "cases.json"))
