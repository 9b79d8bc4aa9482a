"""Inference through the two synchronous clients."""

import queue
import time
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import tritonclient.http as httpclient
from checks import check, check_both, expect
from session import (
    MODULES,
    SAMPLES,
    add_sub_inputs,
    error_of,
    expect_same,
    int_input,
    make_input,
)

WAIT = 20


def _register_datatypes():
    for kind in ("http", "grpc"):
        for datatype in SAMPLES:
            for binary in (True, False) if kind == "http" and datatype != "FP16" else (True,):
                encoding = "" if kind == "grpc" else ", binary" if binary else ", JSON"
                check(f"{kind}: {datatype}{encoding}")(_datatype_check(kind, datatype, binary))


def _datatype_check(kind, datatype, binary):
    def run(session):
        array = SAMPLES[datatype]
        options = {"binary_data": binary} if kind == "http" else {}
        output = MODULES[kind].InferRequestedOutput("Y", **options)
        inputs = [make_input(kind, "X", array, datatype, **options)]
        result = session.clients[kind].infer(f"identity_{datatype.lower()}", inputs, outputs=[output])
        expect_same(result.as_numpy("Y"), array)

    return run


_register_datatypes()


@check_both("BF16")
def bf16(session, kind):
    array = np.array([[0, 1.5, -2], [3, 256, -0.5]], ml_dtypes.bfloat16)
    result = session.clients[kind].infer("identity_bf16", [make_input(kind, "INPUT0", array, "BF16")])
    expect_same(result.as_numpy("OUTPUT0"), array)


@check("http: FP16 and BF16 are refused in JSON")
def fp16_json(session):
    half = httpclient.InferInput("X", [1, 1], "FP16")
    half._data, half._parameters, half._raw_data = [1.0], {}, None
    error = error_of(lambda: session.clients["http"].infer("identity_fp16", [half]))
    expect((error.status(), "FP16" in error.message()), ("400", True))


@check_both("a tensor without elements")
def empty_tensor(session, kind):
    array = np.zeros([2, 0], np.float32)
    result = session.clients[kind].infer("identity_fp32", [make_input(kind, "X", array)])
    expect(tuple(result.get_output("Y")["shape"] if kind == "http" else result.get_output("Y").shape), (2, 0))


@check_both("a large tensor (16 MiB)")
def large_tensor(session, kind):
    array = np.random.default_rng(1).random([4, 1 << 20], np.float32)
    expect_same(session.clients[kind].infer("identity_fp32", [make_input(kind, "X", array)]).as_numpy("Y"), array)


@check_both("two inputs, all outputs; id, name and version of the answer")
def two_inputs(session, kind):
    result = session.clients[kind].infer("add_sub", add_sub_inputs(kind, 2), request_id="my-id")
    expect_same(result.as_numpy("SUM"), np.arange(8, dtype=np.float32).reshape(2, 4) + 1)
    expect_same(result.as_numpy("DIFFERENCE"), np.arange(8, dtype=np.float32).reshape(2, 4) - 1)
    answer = result.get_response()
    fields = answer if kind == "http" else {n: getattr(answer, n) for n in ("id", "model_name", "model_version")}
    expect((fields["id"], fields["model_name"], fields["model_version"]), ("my-id", "add_sub", "1"))


@check_both("one output of two, a given version")
def one_output(session, kind):
    outputs = [MODULES[kind].InferRequestedOutput("DIFFERENCE")]
    result = session.clients[kind].infer("add_sub", add_sub_inputs(kind), model_version="1", outputs=outputs)
    expect(result.as_numpy("DIFFERENCE").tolist(), [[-1, 0, 1, 2]])
    expect(result.as_numpy("SUM"), None)


@check("http: outputs as JSON and as binary in one answer")
def mixed_outputs(session):
    outputs = [
        httpclient.InferRequestedOutput("SUM", binary_data=True),
        httpclient.InferRequestedOutput("DIFFERENCE", binary_data=False),
    ]
    result = session.clients["http"].infer("add_sub", add_sub_inputs("http"), outputs=outputs)
    expect(result.as_numpy("SUM").tolist(), [[1, 2, 3, 4]])
    expect(result.as_numpy("DIFFERENCE").tolist(), [[-1, 0, 1, 2]])
    expect("data" in result.get_output("DIFFERENCE"), True)


@check("http: inputs as JSON and as binary in one request")
def mixed_inputs(session):
    inputs = [add_sub_inputs("http", binary_data=True)[0], add_sub_inputs("http", binary_data=False)[1]]
    expect(session.clients["http"].infer("add_sub", inputs).as_numpy("SUM").tolist(), [[1, 2, 3, 4]])


@check("http: a request made and an answer read without sending")
def body_by_hand(session):
    body, json_size = httpclient.InferenceServerClient.generate_request_body(add_sub_inputs("http"), request_id="x")
    headers = {"Inference-Header-Content-Length": json_size} if json_size is not None else {}
    response = session.clients["http"]._post("v2/models/add_sub/infer", body, headers, None)
    header = response.get("Inference-Header-Content-Length")
    result = httpclient.InferenceServerClient.parse_response_body(response.read(), header_length=int(header))
    expect(result.as_numpy("SUM").tolist(), [[1, 2, 3, 4]])
    expect(result.get_response()["id"], "x")


@check("http: gzip and deflate, both ways")
def http_compression(session):
    for request in ("gzip", "deflate"):
        for response in ("gzip", "deflate"):
            result = session.clients["http"].infer(
                "add_sub",
                add_sub_inputs("http", 100)[:2],
                request_compression_algorithm=request,
                response_compression_algorithm=response,
            )
            expect(result.as_numpy("SUM").shape, (100, 4))


@check("grpc: gzip and deflate")
def grpc_compression(session):
    for algorithm in ("gzip", "deflate"):
        result = session.clients["grpc"].infer("add_sub", add_sub_inputs("grpc", 100), compression_algorithm=algorithm)
        expect(result.as_numpy("SUM").shape, (100, 4))


@check_both("classification with labels")
def classification(session, kind):
    array = np.array([[0.1, 0.7, 0.2], [5, 4, 3]], np.float32)
    for count, expected in ((1, [["0.700000:1:dog"], ["5.000000:0:cat"]]), (2, None)):
        outputs = [MODULES[kind].InferRequestedOutput("Y", class_count=count)]
        result = session.clients[kind].infer("classify", [make_input(kind, "X", array)], outputs=outputs)
        classes = [[text.decode() for text in row] for row in result.as_numpy("Y")]
        expect(classes, expected or [["0.700000:1:dog", "0.200000:2:fish"], ["5.000000:0:cat", "4.000000:1:dog"]])


@check_both("parameters of the answer and of the request")
def parameters(session, kind):
    result = session.clients[kind].infer("slow", int_input(kind, [1]), parameters={"text": "a", "n": 3, "yes": True})
    answer = result.get_response()
    expect("param0" in (answer["parameters"] if kind == "http" else answer.parameters), True)


@check_both("parameter names that are taken are refused")
def reserved_parameters(session, kind):
    error = error_of(lambda: session.clients[kind].infer("slow", int_input(kind, [1]), parameters={"priority": 1}))
    expect("priority" in error.message(), True)


@check_both("many requests in the background")
def async_infer(session, kind):
    client = session.clients[kind]
    if kind == "http":
        pending = [client.async_infer("add_sub", add_sub_inputs(kind, n + 1)) for n in range(16)]
        results = [request.get_result(timeout=WAIT) for request in pending]
    else:
        done = [queue.Queue() for _ in range(16)]
        for n, box in enumerate(done):
            put = lambda result, error, box=box: box.put(error or result)  # noqa: E731
            client.async_infer("add_sub", add_sub_inputs(kind, n + 1), put)
        results = [box.get(timeout=WAIT) for box in done]
    expect([result.as_numpy("SUM").shape for result in results], [(n + 1, 4) for n in range(16)])


@check_both("the error of a request in the background")
def async_error(session, kind):
    client = session.clients[kind]
    if kind == "http":
        error = error_of(lambda: client.async_infer("nobody", add_sub_inputs(kind)).get_result(timeout=WAIT))
    else:
        box = queue.Queue()
        client.async_infer("nobody", add_sub_inputs(kind), lambda result, error: box.put(error))
        error = box.get(timeout=WAIT)
    expect("nobody" in error.message(), True)


@check("grpc: a call in the background is cancelled")
def cancel_call(session):
    box = queue.Queue()
    call = session.clients["grpc"].async_infer("slow", int_input("grpc", [1]), lambda result, error: box.put(error))
    call.cancel()
    expect(box.get(timeout=WAIT).status(), "StatusCode.CANCELLED")


@check("grpc: a stream to several models, with an error in between")
def stream(session):
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put((result, error)))
    try:
        client.async_stream_infer("add_sub", add_sub_inputs("grpc"), request_id="1")
        expect(box.get(timeout=WAIT)[0].as_numpy("SUM").tolist(), [[1, 2, 3, 4]])
        client.async_stream_infer("nobody", add_sub_inputs("grpc"), request_id="2")
        expect("nobody" in box.get(timeout=WAIT)[1].message(), True)
        client.async_stream_infer("slow", int_input("grpc", [7]), request_id="3")
        result, error = box.get(timeout=WAIT)
        expect((error, result.get_response().id, result.as_numpy("OUTPUT0").tolist()), (None, "3", [7]))
        expect(result.get_response().parameters["triton_final_response"].bool_param, True)
    finally:
        client.stop_stream()


@check("grpc: answers of one stream come in the order of the requests")
def stream_order(session):
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put(error or result.get_response().id))
    try:
        for n in range(20):
            client.async_stream_infer("add_sub", add_sub_inputs("grpc"), request_id=str(n))
        expect([box.get(timeout=WAIT) for _ in range(20)], [str(n) for n in range(20)])
    finally:
        client.stop_stream()


@check("grpc: a stream that is cancelled")
def stream_cancel(session):
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put(error))
    client.async_stream_infer("slow", int_input("grpc", [1]))
    client.stop_stream(cancel_requests=True)
    expect(session.clients["grpc"].is_server_live(), True)


@check("http: a network timeout of the client")
def http_timeout(session):
    impatient = httpclient.InferenceServerClient(session.addresses["http"], network_timeout=0.05)
    try:
        impatient.infer("slow", int_input("http", [1]))
        raise AssertionError("no timeout")
    except AssertionError:
        raise
    except Exception as error:
        expect("timed out" in str(error), True)


@check("grpc: a deadline of the client")
def grpc_timeout(session):
    client = session.clients["grpc"]
    error = error_of(lambda: client.infer("slow", int_input("grpc", [1]), client_timeout=0.05))
    expect(error.status(), "StatusCode.DEADLINE_EXCEEDED")
    expect(client.infer("slow", int_input("grpc", [1]), client_timeout=WAIT).as_numpy("OUTPUT0").tolist(), [1])


def _infer_alone(session, kind, model, inputs, **options):
    """Infers with a client of its own, as those for HTTP belong to one thread."""
    with MODULES[kind].InferenceServerClient(session.addresses[kind]) as client:
        return client.infer(model, inputs, **options)


@check_both("a timeout in the queue")
def queue_timeout(session, kind):
    client = session.clients[kind]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_infer_alone, session, kind, "queued", int_input(kind, [[1]]))
        time.sleep(0.05)
        error = error_of(lambda: client.infer("queued", int_input(kind, [[2]]), timeout=20_000))
        expect(running.result().as_numpy("OUTPUT0").tolist(), [[1]])
    expect(error.status(), {"http": "503", "grpc": "StatusCode.UNAVAILABLE"}[kind])
    expect("timeout" in error.message().lower(), True)


@check_both("a higher priority overtakes in the queue")
def priority(session, kind):
    order = []

    def send(level):
        _infer_alone(session, kind, "queued", int_input(kind, [[level]]), priority=level)
        order.append(level)

    with ThreadPoolExecutor(4) as pool:
        calls = []
        for level in (2, 2, 2, 1):
            calls.append(pool.submit(send, level))
            time.sleep(0.03)
    for call in calls:
        call.result()
    expect(order[:2], [2, 1])


def _register_errors():
    a_float = np.zeros([1, 4], np.float32)
    cases = [
        ("an unknown model", "nobody", "A", a_float, "Request for unknown model: 'nobody' is not found", "404", "NOT_FOUND"),
        ("an unknown input", "identity_fp32", "Z", a_float, "unexpected inference input 'Z' for model 'identity_fp32'", "400", "INVALID_ARGUMENT"),
        ("a wrong datatype", "identity_fp32", "X", np.zeros([1, 4], np.int32), "inference input 'X' data-type is 'INT32', but model 'identity_fp32' expects 'FP32'", "400", "INVALID_ARGUMENT"),
        ("a wrong shape", "classify", "X", a_float, "unexpected shape for input 'X' for model 'classify'. Expected [-1,3], got [1,4]", "400", "INVALID_ARGUMENT"),
        ("a missing input", "add_sub", "A", a_float, "expected 2 inputs but got 1 inputs for model 'add_sub'", "400", "INVALID_ARGUMENT"),
        ("an index out of range", "pick", "INDEX", np.array([[9]], np.int64), "indices element out of data bounds", "500", "INTERNAL"),
    ]
    for title, model, name, array, text, status, code in cases:
        check(f"http: error of {title}")(_error_check("http", model, name, array, text, status))
        check(f"grpc: error of {title}")(_error_check("grpc", model, name, array, text, f"StatusCode.{code}"))


def _error_check(kind, model, name, array, text, status):
    def run(session):
        error = error_of(lambda: session.clients[kind].infer(model, [make_input(kind, name, array)]))
        if text not in error.message():
            raise AssertionError(f"expected {text!r}, found {error.message()!r}")
        expect(error.status(), status)

    return run


_register_errors()


@check_both("an unknown output")
def unknown_output(session, kind):
    outputs = [MODULES[kind].InferRequestedOutput("Z")]
    error = error_of(lambda: session.clients[kind].infer("add_sub", add_sub_inputs(kind), outputs=outputs))
    expect("unexpected inference output 'Z' for model 'add_sub'" in error.message(), True)


@check_both("an unknown version")
def unknown_version(session, kind):
    error = error_of(lambda: session.clients[kind].infer("add_sub", add_sub_inputs(kind), model_version="9"))
    expect("Request for unknown model: 'add_sub' version 9 is not found" in error.message(), True)


@check_both("the id of the request in its error")
def error_with_id(session, kind):
    error = error_of(lambda: session.clients[kind].infer("add_sub", add_sub_inputs(kind)[:1], request_id="my-id"))
    expect("[request id: my-id]" in error.message(), True)


@check_both("eight clients in threads of their own")
def threads(session, kind):
    def send(rows):
        with MODULES[kind].InferenceServerClient(session.addresses[kind]) as client:
            return [client.infer("add_sub", add_sub_inputs(kind, rows)).as_numpy("SUM").shape for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        for rows, shapes in zip(range(1, 9), pool.map(send, range(1, 9)), strict=True):
            expect(set(shapes), {(rows, 4)})
