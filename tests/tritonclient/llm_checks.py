"""A model of the vLLM backend through NVIDIA's clients: streaming over gRPC, as the examples of Triton's vLLM backend do it."""

import json
import queue

import numpy as np
import tritonclient.grpc.aio as grpcaio
from checks import check, expect
from session import make_input

WAIT = 20
ALL_OUTPUTS = ["finish_reason", "cumulative_logprob", "logprobs", "num_input_tokens", "num_output_tokens"]


def llm_inputs(prompt, stream, sampling=None, flags=()):
    inputs = [
        make_input("grpc", "text_input", np.array([prompt.encode()], np.object_)),
        make_input("grpc", "stream", np.array([stream], bool)),
    ]
    if sampling is not None:
        text = json.dumps(sampling).encode()
        inputs.append(make_input("grpc", "sampling_parameters", np.array([text], np.object_)))
    return inputs + [make_input("grpc", name, np.array([True], bool)) for name in flags]


def ask(session, inputs, **options):
    """All answers of one request on a stream, and its error."""
    client, box = session.clients["grpc"], queue.Queue()
    client.start_stream(lambda result, error: box.put((result, error)))
    try:
        client.async_stream_infer("llm", inputs, request_id="r", **options)
        answers = []
        while True:
            result, error = box.get(timeout=WAIT)
            if error is not None:
                return answers, error
            answers.append(result)
            if result.get_response().parameters["triton_final_response"].bool_param:
                return answers, None
    finally:
        client.stop_stream()


def texts(answers):
    return [value.decode() for answer in answers for value in answer.as_numpy("text_output")]


@check("grpc: a language model streams its tokens, the last one in the final response")
def stream_tokens(session):
    answers, error = ask(session, llm_inputs("hello there", True, {"max_tokens": "3"}))
    expect((texts(answers), error), (["word_0 ", "word_1 ", "word_2 "], None))


@check("grpc: a language model answers once without stream, the prompt in front")
def whole(session):
    answers, error = ask(session, llm_inputs("hello there ", False, {"max_tokens": 2}))
    expect((texts(answers), error), (["hello there word_0 word_1 "], None))


@check("grpc: a language model takes sampling parameters from the request")
def request_parameters(session):
    answers, _ = ask(session, llm_inputs("hello", True), parameters={"max_tokens": 2, "temperature": "0.5"})
    expect(texts(answers), ["word_0 ", "word_1 "])


@check("grpc: a language model tells reasons, log probabilities and counts where asked")
def additional_outputs(session):
    flags = [f"return_{name}" for name in ALL_OUTPUTS]
    answers, error = ask(session, llm_inputs("hello there", True, {"max_tokens": 2, "logprobs": 1}, flags))
    expect(error, None)
    expect([answer.as_numpy("finish_reason")[0].decode() for answer in answers], ["None", "length"])
    expect([float(answer.as_numpy("cumulative_logprob")[0]) for answer in answers], [-0.125, -0.375])
    expect([answer.as_numpy("num_input_tokens").tolist() for answer in answers], [[2], [2]])
    expect([answer.as_numpy("num_output_tokens").tolist() for answer in answers], [[1], [1]])
    told = [json.loads(answer.as_numpy("logprobs")[0]) for answer in answers]
    expect([list(step[0].values())[0]["decoded_token"] for step in told], ["word_0 ", "word_1 "])


@check("grpc: a language model without those flags answers with the text alone")
def text_alone(session):
    answers, _ = ask(session, llm_inputs("hello", True, {"max_tokens": 1}))
    expect([output.name for output in answers[0].get_response().outputs], ["text_output"])


@check("grpc: a language model refuses to prepend the prompt to a stream")
def prepended(session):
    inputs = llm_inputs("hello", True)
    inputs.append(make_input("grpc", "exclude_input_in_output", np.array([False], bool)))
    _, error = ask(session, inputs)
    text = "Error generating stream: When streaming, `exclude_input_in_output` = False is not allowed."
    expect(text in error.message(), True)


@check("grpc aio: several requests of a language model share a stream")
async def interleaved(session):
    async def requests():
        for name in ("a", "b"):
            inputs = llm_inputs("hello", True, {"max_tokens": 20})
            yield {"model_name": "llm", "inputs": inputs, "request_id": name, "enable_empty_final_response": True}

    found = {"a": 0, "b": 0}
    ended = set()
    async with grpcaio.InferenceServerClient(session.addresses["grpc"]) as client:
        iterator = client.stream_infer(requests())
        async for result, error in iterator:
            expect(error, None)
            response = result.get_response()
            found[response.id] += len(response.outputs)
            if response.parameters["triton_final_response"].bool_param:
                ended.add(response.id)
            if len(ended) == 2:
                break
    expect(found, {"a": 20, "b": 20})
