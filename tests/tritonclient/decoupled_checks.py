"""Decoupled models and cancellation through NVIDIA's gRPC client, and its HTTP client that leaves."""

import queue
import time

import numpy as np
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from checks import check, expect
from session import error_of, make_input

WAIT = 20


def repeat_inputs(token, count):
    return [make_input("grpc", name, np.array([value], np.int32)) for name, value in (("TOKEN", token), ("COUNT", count))]


def hold_inputs(kind, value):
    return [make_input(kind, "HOLD", np.array([value], np.int32))]


def cancelled_so_far(session):
    result = session.clients["http"].infer("hold", hold_inputs("http", 0))
    return int(result.as_numpy("CANCELLED")[0]), int(result.as_numpy("RUNNING")[0])


def expect_one_more(session, before):
    """The instance hears of it a moment after the client has gone."""
    end = time.monotonic() + WAIT
    while cancelled_so_far(session) != (before + 1, 0):
        expect(time.monotonic() < end, True)


def answers_of(client, box, count, **options):
    client.async_stream_infer("tokens", repeat_inputs(7, count), request_id="r", **options)
    answers = []
    while not answers or not answers[-1].parameters["triton_final_response"].bool_param:
        result, error = box.get(timeout=WAIT)
        expect(error, None)
        answers.append(result.get_response())
    return answers


def open_stream(session, **options):
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put((result, error)), **options)
    return client, box


@check("grpc: a decoupled model ends with an empty final response where asked")
def empty_final(session):
    client, box = open_stream(session)
    try:
        for count in (0, 1, 3):
            *answers, last = answers_of(client, box, count, enable_empty_final_response=True)
            expect([len(answer.outputs) for answer in answers], [2] * count)
            expect((len(last.outputs), last.id, last.model_name), (0, "r", "tokens"))
            finals = [answer.parameters["triton_final_response"].bool_param for answer in answers]
            expect(finals, [False] * count)
    finally:
        client.stop_stream()


@check("grpc: a decoupled model without it ends unsaid, and the stream goes on")
def no_empty_final(session):
    client, box = open_stream(session)
    try:
        client.async_stream_infer("tokens", repeat_inputs(1, 2), request_id="a")
        expect([box.get(timeout=WAIT)[0].as_numpy("INDEX").tolist() for _ in range(2)], [[0], [1]])
        client.async_stream_infer("tokens", repeat_inputs(2, 1), request_id="b")
        result, _ = box.get(timeout=WAIT)
        expect((result.get_response().id, result.as_numpy("TOKEN_OUT").tolist()), ("b", [2]))
    finally:
        client.stop_stream()
    expect(box.empty(), True)


@check("grpc: ModelInfer refuses a decoupled model")
def unary(session):
    error = error_of(lambda: session.clients["grpc"].infer("tokens", repeat_inputs(1, 1)))
    expect((error.status(), "decoupled" in error.message()), ("StatusCode.UNIMPLEMENTED", True))


@check("grpc: triton_grpc_error ends the stream with the status of the first error")
def strict_errors(session):
    client, box = open_stream(session, headers={"triton_grpc_error": "true"})
    try:
        client.async_stream_infer("hold", hold_inputs("grpc", 0), request_id="good")
        expect(box.get(timeout=WAIT)[0].get_response().id, "good")
        client.async_stream_infer("failing", hold_inputs("grpc", 1), request_id="bad")
        _, error = box.get(timeout=WAIT)
        expect((error.status(), "failed on purpose" in error.message()), ("StatusCode.UNAVAILABLE", True))
    finally:
        client.stop_stream()


@check("grpc: a deadline of the client (client_timeout) cancels what executes")
def client_timeout(session):
    before, _ = cancelled_so_far(session)
    error = error_of(lambda: session.clients["grpc"].infer("hold", hold_inputs("grpc", 1), client_timeout=0.2))
    expect(error.status(), "StatusCode.DEADLINE_EXCEEDED")
    expect_one_more(session, before)


@check("grpc: a call that is cancelled cancels what executes")
def cancel_call(session):
    before, _ = cancelled_so_far(session)
    box = queue.Queue()
    call = session.clients["grpc"].async_infer("hold", hold_inputs("grpc", 1), lambda result, error: box.put(error))
    until_running(session)
    call.cancel()
    expect(box.get(timeout=WAIT).status(), "StatusCode.CANCELLED")
    expect_one_more(session, before)


@check("grpc: a stream that is cancelled cancels what executes")
def cancel_stream(session):
    before, _ = cancelled_so_far(session)
    with grpcclient.InferenceServerClient(session.addresses["grpc"]) as client:
        client.start_stream(lambda result, error: None)
        client.async_stream_infer("hold", hold_inputs("grpc", 1))
        until_running(session)
        client.stop_stream(cancel_requests=True)
    expect_one_more(session, before)


@check("http: a client that closes its connection cancels what executes")
def leave_http(session):
    before, _ = cancelled_so_far(session)
    with httpclient.InferenceServerClient(session.addresses["http"], network_timeout=0.2) as client:
        try:
            client.infer("hold", hold_inputs("http", 1))
        except TimeoutError:
            pass
        else:
            raise AssertionError("expected the client to give up")
    expect_one_more(session, before)


def until_running(session):
    end = time.monotonic() + WAIT
    while cancelled_so_far(session)[1] != 1:
        expect(time.monotonic() < end, True)
