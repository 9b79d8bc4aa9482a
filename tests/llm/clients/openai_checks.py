"""The official PyPI package `openai` against a server: openai_checks.py URL

Prints a line for each check that held. The models are those of tests/llm/openai-models.ts.
"""

import asyncio
import sys

import openai
from pydantic import BaseModel

URL = sys.argv[1]
WHOLE = ["llama", "briefed_llama"]
MAPPED = ["parrot", "caged_parrot"]
TEXT = "one two three four"
MESSAGES = [{"role": "user", "content": TEXT}]

client = openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-test", max_retries=0)


class Weather(BaseModel):
    city: str
    degrees: float


def expect_equal(found, expected):
    assert found == expected, f"expected {expected!r}, found {found!r}"


def said_by(model):
    return "one two three" if model in MAPPED else "word_0 word_1 word_2 "


def check_models():
    ids = [model.id for model in client.models.list()]
    assert set(WHOLE + MAPPED) <= set(ids), ids
    expect_equal(client.models.retrieve("parrot").id, "parrot")


def check_chat(model):
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=3)
    expect_equal(answer.choices[0].message.content, said_by(model))
    expect_equal(answer.choices[0].finish_reason, "length")
    expect_equal(answer.usage.completion_tokens, 3)


def check_stream(model):
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=3, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    expect_equal(text, said_by(model))
    expect_equal(chunks[-1].usage.completion_tokens, 3)


def check_stream_helper(model):
    with client.chat.completions.stream(model=model, messages=MESSAGES, stop="word_2") as stream:
        events = list(stream)
        final = stream.get_final_completion()
    deltas = "".join(event.delta for event in events if event.type == "content.delta")
    expect_equal(final.choices[0].message.content, deltas)


def check_completions(model):
    answer = client.completions.create(model=model, prompt=TEXT, max_tokens=3)
    expect_equal(answer.choices[0].text, said_by(model))


def check_responses(model):
    answer = client.responses.create(model=model, input=TEXT, max_output_tokens=3)
    expect_equal(answer.output_text, said_by(model))
    expect_equal(answer.incomplete_details.reason, "max_output_tokens")
    with client.responses.stream(model=model, input=TEXT, extra_body={"stop": "word_2"}) as stream:
        types = [event.type for event in stream]
        final = stream.get_final_response()
    expect_equal(types[0], "response.created")
    expect_equal(types[-1], "response.completed")
    assert final.output_text != ""


def check_async(model):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="sk-test", max_retries=0) as asynchronous:
            stream = await asynchronous.chat.completions.create(
                model=model, messages=MESSAGES, max_tokens=3, stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    expect_equal(asyncio.run(ask()), said_by(model))


def check_structured(model):
    answer = client.chat.completions.parse(model=model, messages=MESSAGES, response_format=Weather)
    assert isinstance(answer.choices[0].message.parsed, Weather)
    response = client.responses.parse(model=model, input=TEXT, text_format=Weather)
    assert isinstance(response.output_parsed, Weather)


def check_tools(model):
    tool = openai.pydantic_function_tool(Weather)
    answer = client.chat.completions.parse(
        model=model, messages=MESSAGES, tools=[tool], tool_choice="required"
    )
    [call] = answer.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, Weather)
    expect_equal(answer.choices[0].finish_reason, "tool_calls")


def check_tool_stream(model):
    with client.responses.stream(
        model=model,
        input=TEXT,
        tools=[{"type": "function", "name": "weather", "parameters": Weather.model_json_schema(), "strict": True}],
        tool_choice="required",
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    [call] = [item for item in final.output if item.type == "function_call"]
    Weather.model_validate_json(call.arguments)


def check_embeddings(model):
    # The client asks for base64 by itself.
    answer = client.embeddings.create(model=model, input=["a b", "cd!"])
    expect_equal([item.embedding for item in answer.data], [[2, 1, 0], [2, 0, 1]])


def check_unknown_model():
    try:
        client.chat.completions.create(model="none", messages=MESSAGES)
    except openai.NotFoundError as error:
        expect_equal((error.code, error.param), ("model_not_found", "model"))
    else:
        raise AssertionError("an unknown model was answered")


def check_bad_request():
    try:
        client.chat.completions.create(model="parrot", messages=MESSAGES, logprobs=True)
    except openai.BadRequestError as error:
        expect_equal((error.type, error.param), ("invalid_request_error", "logprobs"))
    else:
        raise AssertionError("what the model can't be told was answered")


def checks():
    yield check_models, ()
    for model in WHOLE + MAPPED:
        for check in (check_chat, check_stream, check_stream_helper, check_completions, check_responses, check_async):
            yield check, (model,)
    for model in WHOLE:
        for check in (check_structured, check_tools, check_tool_stream):
            yield check, (model,)
    for model in ("letters", "letters_pipeline"):
        yield check_embeddings, (model,)
    yield check_unknown_model, ()
    yield check_bad_request, ()


failures = 0
for check, arguments in checks():
    name = " ".join([check.__name__.removeprefix("check_"), *arguments])
    try:
        check(*arguments)
        print(f"ok {name}")
    except Exception as error:
        failures += 1
        print(f"not ok {name}: {type(error).__name__}: {error}")
print(f"{failures} failed")
sys.exit(1 if failures > 0 else 0)
