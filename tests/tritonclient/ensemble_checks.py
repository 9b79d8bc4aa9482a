"""Ensembles: one after another, with conditions, and with a decoupled step."""

import queue

import numpy as np
from checks import check, check_both, expect
from session import MODULES, add_sub_inputs, error_of, int_input, make_input

WAIT = 20
A = np.arange(4, dtype=np.float32).reshape(1, 4)


@check_both("ensemble: two steps")
def two_steps(session, kind):
    result = session.clients[kind].infer("ensemble", add_sub_inputs(kind), request_id="e-1")
    expect(result.as_numpy("TWICE_A").tolist(), (2 * A).tolist())
    expect(result.as_numpy("TWICE_B").tolist(), [[2, 2, 2, 2]])


@check_both("ensemble: one of its outputs")
def one_output(session, kind):
    wanted = [MODULES[kind].InferRequestedOutput("TWICE_B")]
    result = session.clients[kind].infer("ensemble", add_sub_inputs(kind), outputs=wanted)
    expect((result.as_numpy("TWICE_A"), result.as_numpy("TWICE_B").tolist()), (None, [[2, 2, 2, 2]]))


@check_both("ensemble: a step is skipped, its outputs have defaults")
def conditional(session, kind):
    client = session.clients[kind]
    whole = client.infer("ensemble_when", add_sub_inputs(kind, 2), parameters={"work": "all"})
    expect(whole.as_numpy("TWICE_B").tolist(), [[2] * 4] * 2)
    quick = client.infer("ensemble_when", add_sub_inputs(kind, 2), parameters={"work": "little"})
    expect(quick.as_numpy("TWICE_A").tolist(), np.arange(1, 9, dtype=np.float32).reshape(2, 4).tolist())
    expect(quick.as_numpy("TWICE_B").tolist(), [[-1] * 4] * 2)


@check("grpc: ensemble with a decoupled step, on a stream")
def decoupled(session):
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put((result, error)))
    try:
        for values in ([4, 5, 6], [], [7]):
            inputs = [make_input("grpc", "IN", np.array(values, np.int32))]
            client.async_stream_infer("ensemble_stream", inputs, request_id="s", enable_empty_final_response=True)
            seen, final = [], False
            while not final:
                result, error = box.get(timeout=WAIT)
                expect(error, None)
                final = result.get_response().parameters["triton_final_response"].bool_param
                out = result.as_numpy("OUT")
                seen += [] if out is None else out.tolist()
            expect(seen, values)
    finally:
        client.stop_stream()


@check_both("ensemble with a decoupled step: one request has not one answer")
def decoupled_unary(session, kind):
    client = session.clients[kind]
    error = error_of(lambda: client.infer("ensemble_stream", [make_input(kind, "IN", np.array([1], np.int32))]))
    expect("decoupled" in error.message(), True)
    policy = client.get_model_config("ensemble_stream")
    policy = policy["model_transaction_policy"] if kind == "http" else policy.config.model_transaction_policy
    expect(policy["decoupled"] if kind == "http" else policy.decoupled, True)


@check_both("ensemble: the error of a step names the ensemble")
def error_of_step(session, kind):
    error = error_of(lambda: session.clients[kind].infer("ensemble", int_input(kind, [1])))
    expect("ensemble" in error.message(), True)
