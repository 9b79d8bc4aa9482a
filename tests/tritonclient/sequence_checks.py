"""Sequences through the synchronous clients, and over a stream: several at a time, step by step in turn."""

import queue

import numpy as np
from checks import check, check_both, expect
from session import error_of, make_input

WAIT = 20
MODELS = ("sequence_direct", "sequence_oldest")
STEPS = 5
IDS = (101, 2**40 + 7, 103)


def steps_of(ids):
    """Steps of all sequences in turn: (id, value, start, end, the sum so far)."""
    sums = dict.fromkeys(ids, 0)
    for at in range(STEPS):
        for place, corrid in enumerate(ids, 1):
            value = place * 10**at
            sums[corrid] += value
            yield corrid, value, at == 0, at == STEPS - 1, sums[corrid]


def inputs_of(kind, value):
    return [make_input(kind, "INPUT", np.array([[value]], np.int32))]


def expect_step(result, corrid, start, end, total):
    found = (result.as_numpy("OUTPUT").tolist(), result.as_numpy("SEEN").tolist(), result.as_numpy("ID").tolist())
    expect(found, ([[total]], [[int(start), int(end), 1]], [[corrid]]))


@check_both("sequences interleaved")
def interleaved(session, kind):
    client = session.clients[kind]
    for model in MODELS:
        for corrid, value, start, end, total in steps_of(IDS):
            flags = {"sequence_id": corrid, "sequence_start": start, "sequence_end": end}
            expect_step(client.infer(model, inputs_of(kind, value), **flags), corrid, start, end, total)


@check("grpc: sequences interleaved on one stream")
def interleaved_on_stream(session):
    client = session.clients["grpc"]
    for model in MODELS:
        box = queue.Queue()
        client.start_stream(lambda result, error, box=box: box.put((result, error)))
        try:
            expected = {}
            for number, (corrid, value, start, end, total) in enumerate(steps_of(IDS)):
                expected[str(number)] = (corrid, start, end, total)
                client.async_stream_infer(
                    model,
                    inputs_of("grpc", value),
                    request_id=str(number),
                    sequence_id=corrid,
                    sequence_start=start,
                    sequence_end=end,
                )
            for _ in range(len(expected)):
                result, error = box.get(timeout=WAIT)
                expect(error, None)
                expect_step(result, *expected.pop(result.get_response().id))
        finally:
            client.stop_stream()


@check_both("asynchronous requests of one sequence are answered in order")
def in_order(session, kind):
    client = session.clients[kind]
    flags = [{"sequence_id": 7, "sequence_start": at == 0, "sequence_end": at == 9} for at in range(10)]
    if kind == "http":
        # One connection after the other: requests of several may overtake each other on their way.
        results = [client.async_infer(MODELS[0], inputs_of(kind, 1), **each).get_result() for each in flags]
    else:
        box = queue.Queue()
        client.start_stream(lambda result, error: box.put(error or result))
        for each in flags:
            client.async_stream_infer(MODELS[0], inputs_of(kind, 1), **each)
        results = [box.get(timeout=WAIT) for _ in flags]
        client.stop_stream()
    expect([result.as_numpy("OUTPUT").item() for result in results], list(range(1, 11)))


@check_both("what a sequence may not do is refused by name")
def refused(session, kind):
    def error(corrid, rows=1, **flags):
        inputs = [make_input(kind, "INPUT", np.ones((rows, 1), np.int32))]
        client = session.clients[kind]
        return error_of(lambda: client.infer(MODELS[1], inputs, sequence_id=corrid, **flags)).message()

    expect("must specify the START flag" in error(900), True)
    expect("non-zero or non-empty correlation ID" in error(0, sequence_start=True), True)
    expect("batch-size 1" in error(901, rows=2, sequence_start=True), True)
    expect("'CORRID'" in error("abc", sequence_start=True), True)
