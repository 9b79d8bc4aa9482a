"""A SavedModel in a version folder: where it lies, what its signature says, and a session that runs it."""

import json
import os
from dataclasses import dataclass

import tensorflow as tf
import triton_python_backend_utils as pb_utils

# There is no public way to read a SavedModel without its variables; `saved_model_cli` takes this one, too.
from tensorflow.python.saved_model.loader_impl import parse_saved_model

from nereid_backend import backend_settings

from .errors import first_line
from .tensors import read_tensor

_DEFAULT_SIGNATURE = "serving_default"
_OTHER_PURPOSES = ("__saved_model_init_op", "__saved_model_train_op")


@dataclass(frozen=True)
class Signature:
    """One of the functions of a SavedModel; inputs and outputs are `ModelTensor` by name, in the order of their names."""

    inputs: dict
    outputs: dict


def find_saved_model(config, directory):
    """The folder of the SavedModel. Raises ValueError for a graph without signatures, or a folder that isn't there."""
    name = config["name"]
    if config["platform"] == "tensorflow_graphdef":
        raise ValueError(
            f"model '{name}': platform 'tensorflow_graphdef' can't be served: a GraphDef doesn't say what its inputs and outputs "
            "are, and TensorFlow 2 writes none. Make it a SavedModel (tf.compat.v1.saved_model.simple_save), platform "
            "'tensorflow_savedmodel'"
        )
    path = os.path.join(directory, config["default_model_filename"] or "model.savedmodel")
    if not os.path.isdir(path):
        names = os.listdir(directory)
        found = "a file" if os.path.exists(path) else ", ".join(names) or "nothing"
        hint = ": make it one with model.export(…)" if any(one.endswith((".keras", ".h5")) for one in names) else ""
        raise ValueError(f"model '{name}': expected the folder of a SavedModel at {path}, found {found}{hint}")
    return path


def read_signature(config, path, settings):
    """The signature to serve. Raises ValueError naming the tag, the signature or the tensor that can't be."""
    graph = _read_graph(config, path, settings["TF_GRAPH_TAG"])
    name = _choose_signature(config, graph.signature_def, settings["TF_SIGNATURE_DEF"])
    described = graph.signature_def[name]
    inputs, outputs = (
        {key: read_tensor(key, tensors[key], what) for key in sorted(tensors)}
        for what, tensors in (("input", described.inputs), ("output", described.outputs))
    )
    if not outputs:
        raise ValueError(f"model '{config['name']}': signature '{name}' has no outputs")
    return Signature(inputs, outputs)


def open_session(config, path, settings, devices):
    """A session with the variables of the SavedModel, after its initialization. devices: options that say where it runs.

    Raises ValueError naming what can't be loaded, or the initialization that failed.
    """
    for library in (config.get("model_operations") or {}).get("op_library_filename") or ():
        _load_operations(config, library)
    session = tf.compat.v1.Session(graph=tf.Graph(), config=_session_options(settings, devices))
    level = tf.get_logger().level
    try:
        # It is deprecated for those who train: as a session is the only way to run all that is in old graphs, it stays.
        tf.get_logger().setLevel("ERROR")
        with session.graph.as_default():
            _load(session, settings["TF_GRAPH_TAG"], path)
        _initialize(config, session, settings["TF_INIT_OPS_FILE"])
    except (tf.errors.OpError, OSError, RuntimeError) as error:
        raise ValueError(f"model '{config['name']}': TensorFlow can't load {path}: {first_line(error)}") from error
    finally:
        tf.get_logger().setLevel(level)
    return session


def _load(session, tag, path):
    try:
        tf.compat.v1.saved_model.load(session, [tag], path)
    except ValueError as error:
        # That is what missing files of variables are.
        raise OSError(str(error)) from error


def _read_graph(config, path, tag):
    try:
        graphs = parse_saved_model(path).meta_graphs
    except OSError as error:
        raise ValueError(f"model '{config['name']}': {path} is no SavedModel: {first_line(error)}") from error
    for graph in graphs:
        if set(graph.meta_info_def.tags) == {tag}:
            return graph
    found = "; ".join("+".join(sorted(graph.meta_info_def.tags)) or "none" for graph in graphs)
    raise ValueError(f"model '{config['name']}': expected a graph with tag '{tag}' (parameter TF_GRAPH_TAG), found {found}")


def _choose_signature(config, signatures, wanted):
    """The name asked for, or `serving_default`, or the only one that is there."""
    names = sorted(name for name in signatures if name not in _OTHER_PURPOSES)
    if (wanted or _DEFAULT_SIGNATURE) in names:
        return wanted or _DEFAULT_SIGNATURE
    if wanted is None and len(names) == 1:
        pb_utils.Logger.log_info(f"model '{config['name']}' has no signature '{_DEFAULT_SIGNATURE}': using '{names[0]}'")
        return names[0]
    raise ValueError(
        f"model '{config['name']}': expected signature '{wanted or _DEFAULT_SIGNATURE}', found {', '.join(names) or 'none'}: "
        "set parameter TF_SIGNATURE_DEF to one of them"
    )


def _session_options(settings, devices):
    return tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=settings["TF_NUM_INTRA_THREADS"],
        inter_op_parallelism_threads=settings["TF_NUM_INTER_THREADS"],
        use_per_session_threads=settings["TF_USE_PER_SESSION_THREADS"],
        allow_soft_placement=backend_settings()["allow-soft-placement"],
        **devices,
    )


def _load_operations(config, library):
    try:
        tf.load_op_library(library)
    except (tf.errors.OpError, OSError) as error:
        raise ValueError(
            f"model '{config['name']}', model_operations: TensorFlow can't load {library}: {first_line(error)}"
        ) from error


def _initialize(config, session, filename):
    """Runs the operations of a file `{"init_ops": […]}` in the version folder, or else in the model's."""
    if filename is None:
        return
    what = f"model '{config['name']}', parameter 'TF_INIT_OPS_FILE'"
    directory = pb_utils.get_model_dir()
    places = [os.path.join(folder, filename) for folder in (directory, os.path.dirname(directory))]
    path = next(filter(os.path.isfile, places), None)
    if path is None:
        raise ValueError(f"{what}: there is no {' and no '.join(places)}")
    for name in _read_names(what, path):
        try:
            operation = session.graph.get_operation_by_name(name)
        except KeyError:
            raise ValueError(f"{what}: the graph has no operation '{name}'") from None
        session.run(operation)


def _read_names(what, path):
    try:
        with open(path, encoding="utf-8") as file:
            names = json.load(file)["init_ops"]
    except (ValueError, KeyError, TypeError):
        names = None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    raise ValueError(f'{what}: expected {{"init_ops": ["…"]}} in {path}')
