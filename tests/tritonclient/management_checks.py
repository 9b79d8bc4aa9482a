"""Everything but inference: health, metadata, configuration, repository, statistics, settings."""

import base64
import json
from pathlib import Path

from checks import check, check_both, expect
from session import add_sub_inputs, as_dict, error_of, expect_same, make_input
import numpy as np

EXTENSIONS = {"classification", "model_repository", "binary_tensor_data", "parameters", "statistics", "trace", "logging"}
ADD_ONE_CONFIG = {
    "backend": "onnxruntime",
    "max_batch_size": 2,
    "input": [{"name": "X", "data_type": "TYPE_FP32", "dims": [-1]}],
    "output": [{"name": "Y", "data_type": "TYPE_FP32", "dims": [-1]}],
}


@check_both("server live and ready")
def health(session, kind):
    expect(session.clients[kind].is_server_live(), True)
    expect(session.clients[kind].is_server_ready(), True)


@check_both("model ready, with and without a version; unknown model")
def model_ready(session, kind):
    client = session.clients[kind]
    expect(client.is_model_ready("add_sub"), True)
    expect(client.is_model_ready("add_sub", "1"), True)
    expect(client.is_model_ready("add_sub", "7"), False)
    expect(client.is_model_ready("nobody"), False)


@check_both("server metadata")
def server_metadata(session, kind):
    metadata = as_dict(kind, session.clients[kind].get_server_metadata())
    expect(metadata["name"], "triton")
    expect(EXTENSIONS - set(metadata["extensions"]), set())


@check_both("model metadata")
def model_metadata(session, kind):
    metadata = as_dict(kind, session.clients[kind].get_model_metadata("add_sub"))
    expect(metadata["versions"], ["1"])
    expect(metadata["platform"], "onnxruntime_onnx")
    expect(sorted(tensor["name"] for tensor in metadata["inputs"]), ["A", "B"])
    expect([int(dimension) for dimension in metadata["inputs"][0]["shape"]], [-1, 4])


@check_both("model configuration")
def model_config(session, kind):
    config = as_dict(kind, session.clients[kind].get_model_config("classify", "1"))
    config = config.get("config", config)
    expect(config["max_batch_size"], 4)
    expect(config["output"][0]["label_filename"], "labels.txt")


@check("grpc: answers as JSON")
def grpc_as_json(session):
    client = session.clients["grpc"]
    expect(client.get_server_metadata(as_json=True)["name"], "triton")
    expect(client.get_model_config("add_sub", as_json=True)["config"]["backend"], "onnxruntime")
    expect(client.get_model_metadata("add_sub", as_json=True)["name"], "add_sub")


@check_both("metadata of an unknown model")
def unknown_metadata(session, kind):
    error = error_of(lambda: session.clients[kind].get_model_metadata("nobody"))
    expect(error.status(), {"http": "404", "grpc": "StatusCode.NOT_FOUND"}[kind])
    expect(error.message(), "Request for unknown model: 'nobody' is not found")


@check_both("repository index, all and ready ones")
def repository_index(session, kind):
    index = as_dict(kind, session.clients[kind].get_model_repository_index())
    models = index if kind == "http" else index["models"]
    entry = next(model for model in models if model["name"] == "add_sub")
    expect((entry["version"], entry["state"]), ("1", "READY"))


@check_both("unload and load")
def unload_and_load(session, kind):
    client = session.clients[kind]
    client.unload_model("pick", unload_dependents=True)
    _until(lambda: not _is_ready(client, "pick"))
    error = error_of(lambda: client.infer("pick", [make_input(kind, "INDEX", np.array([[1]], np.int64))]))
    expect("pick" in error.message() and "no available versions" in error.message(), True)
    client.load_model("pick")
    expect(client.is_model_ready("pick"), True)


@check_both("load an unknown model")
def load_unknown(session, kind):
    error = error_of(lambda: session.clients[kind].load_model("nobody"))
    expect(error.status(), {"http": "500", "grpc": "StatusCode.INTERNAL"}[kind])
    expect(error.message(), "failed to load 'nobody', failed to poll from model repository")


@check_both("load with another configuration")
def load_config_override(session, kind):
    client = session.clients[kind]
    config = as_dict(kind, client.get_model_config("add_sub"))
    config = {**config.get("config", config), "max_batch_size": 3}
    client.load_model("add_sub", config=json.dumps(config))
    try:
        found = as_dict(kind, client.get_model_config("add_sub"))
        expect(found.get("config", found)["max_batch_size"], 3)
        error = error_of(lambda: client.infer("add_sub", add_sub_inputs(kind, rows=4)))
        expect("batch-size must be <= 3" in error.message(), True)
    finally:
        client.unload_model("add_sub")
        _until(lambda: not _is_ready(client, "add_sub"))
        client.load_model("add_sub")


@check_both("load with files instead of a directory")
def load_files_override(session, kind):
    client = session.clients[kind]
    model = Path(session.repository, "identity_fp32", "1", "model.onnx").read_bytes()
    client.load_model("uploaded", config=json.dumps(ADD_ONE_CONFIG), files={"file:1/model.onnx": model})
    x = np.array([[1, 2, 3]], np.float32)
    expect_same(client.infer("uploaded", [make_input(kind, "X", x)]).as_numpy("Y"), x)
    client.unload_model("uploaded")
    _until(lambda: not _is_ready(client, "uploaded"))


@check_both("load with files but without a configuration")
def load_files_without_config(session, kind):
    error = error_of(lambda: session.clients[kind].load_model("uploaded", files={"file:1/model.onnx": b"x"}))
    expect(error.status(), {"http": "400", "grpc": "StatusCode.INVALID_ARGUMENT"}[kind])


@check_both("load with a configuration that is no JSON")
def load_bad_config(session, kind):
    error = error_of(lambda: session.clients[kind].load_model("add_sub", config="{"))
    expect(bool(error.message()), True)
    expect(session.clients[kind].is_model_ready("add_sub"), True)


@check_both("statistics of one model and of all")
def statistics(session, kind):
    client = session.clients[kind]
    before = _success_count(session, kind)
    client.infer("add_sub", add_sub_inputs(kind, rows=2))
    expect(_success_count(session, kind) - before, 1)
    everything = as_dict(kind, client.get_inference_statistics())["model_stats"]
    expect({"add_sub", "classify"} <= {entry["name"] for entry in everything}, True)


@check_both("statistics of an unknown model")
def statistics_unknown(session, kind):
    error = error_of(lambda: session.clients[kind].get_inference_statistics("nobody"))
    expect(error.message(), "requested model 'nobody' is not available")


@check_both("log settings")
def log_settings(session, kind):
    client = session.clients[kind]
    client.update_log_settings({"log_verbose_level": 2, "log_format": "ISO8601"})
    expect(_log(session, kind)["log_verbose_level"], 2)
    expect(_log(session, kind)["log_format"], "ISO8601")
    client.update_log_settings({"log_verbose_level": 0, "log_format": "default"})
    expect(_log(session, kind)["log_verbose_level"], 0)


@check_both("trace settings of the server and of a model")
def trace_settings(session, kind):
    client = session.clients[kind]
    client.update_trace_settings(settings={"trace_rate": "7"})
    expect(_trace(session, kind)["trace_rate"], "7")
    client.update_trace_settings("add_sub", {"trace_rate": "9"})
    expect(_trace(session, kind, "add_sub")["trace_rate"], "9")
    expect(_trace(session, kind)["trace_rate"], "7")
    client.update_trace_settings("add_sub", {"trace_rate": None})
    expect(_trace(session, kind, "add_sub")["trace_rate"], "7")
    client.update_trace_settings(settings={"trace_rate": None})
    expect(_trace(session, kind)["trace_rate"], "1000")


@check_both("shared memory status of a server without regions")
def shared_memory_status(session, kind):
    client = session.clients[kind]
    expect(as_dict(kind, client.get_system_shared_memory_status()) in ([], {"regions": {}}), True)
    expect(as_dict(kind, client.get_cuda_shared_memory_status()) in ([], {"regions": {}}), True)


@check("http: headers and query parameters are let through")
def http_headers(session):
    client = session.clients["http"]
    expect(client.is_server_live(headers={"X-Test": "1"}, query_params={"a": "b"}), True)
    expect(client.get_server_metadata(query_params={"a": ["b", "c"]})["name"], "triton")


@check("http: base64 of an uploaded file must be right")
def http_bad_base64(session):
    body = {"parameters": {"config": json.dumps(ADD_ONE_CONFIG), "file:1/model.onnx": "***"}}
    response = session.clients["http"]._post("v2/repository/models/uploaded/load", json.dumps(body), None, None)
    expect(response.status_code >= 400, True)
    expect(base64.b64encode(b"x"), b"eA==")


def _is_ready(client, model):
    try:
        return client.is_model_ready(model)
    except Exception:
        return False


def _until(condition):
    """Unloading goes on after its answer."""
    import time

    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("did not happen within 10 s")
        time.sleep(0.01)


def _success_count(session, kind):
    entry = as_dict(kind, session.clients[kind].get_inference_statistics("add_sub"))["model_stats"][0]
    return int(entry["inference_stats"]["success"]["count"])


def _log(session, kind):
    settings = as_dict(kind, session.clients[kind].get_log_settings())
    if kind == "http":
        return settings
    return {name: next(iter(value.values())) for name, value in settings["settings"].items()}


def _trace(session, kind, model=None):
    settings = as_dict(kind, session.clients[kind].get_trace_settings(model))
    if kind == "http":
        return settings
    return {name: ",".join(value["value"]) for name, value in settings["settings"].items()}
