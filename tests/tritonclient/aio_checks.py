"""The asyncio clients."""

import asyncio
import json

import numpy as np
from checks import check, check_both, expect
from session import AIO_MODULES, SAMPLES, add_sub_inputs, as_dict, expect_same, int_input, make_input
from tritonclient.utils import InferenceServerException


async def error_of(awaitable):
    try:
        result = await awaitable
    except InferenceServerException as error:
        return error
    raise AssertionError(f"expected an error, got {result!r}")


@check_both("aio: health, metadata, configuration")
async def about(session, kind):
    async with session.aio(kind) as client:
        expect([await client.is_server_live(), await client.is_server_ready()], [True, True])
        expect(await client.is_model_ready("add_sub"), True)
        expect(as_dict(kind, await client.get_server_metadata())["name"], "triton")
        expect(as_dict(kind, await client.get_model_metadata("add_sub"))["versions"], ["1"])
        config = as_dict(kind, await client.get_model_config("classify"))
        expect(config.get("config", config)["max_batch_size"], 4)


@check_both("aio: infer, all datatypes")
async def datatypes(session, kind):
    async with session.aio(kind) as client:
        for datatype, array in SAMPLES.items():
            result = await client.infer(f"identity_{datatype.lower()}", [make_input(kind, "X", array, datatype)])
            expect_same(result.as_numpy("Y"), array)


@check_both("aio: 32 requests at once")
async def at_once(session, kind):
    async with session.aio(kind) as client:
        calls = [client.infer("add_sub", add_sub_inputs(kind, rows)) for rows in range(1, 33)]
        results = await asyncio.gather(*calls)
    expect([result.as_numpy("SUM").shape for result in results], [(rows, 4) for rows in range(1, 33)])


@check_both("aio: classification, request id")
async def classification(session, kind):
    outputs = [AIO_MODULES[kind].InferRequestedOutput("Y", class_count=1)]
    inputs = [make_input(kind, "X", np.array([[1, 2, 9]], np.float32))]
    async with session.aio(kind) as client:
        result = await client.infer("classify", inputs, outputs=outputs, request_id="7")
    expect(result.as_numpy("Y").tolist(), [[b"9.000000:2:fish"]])
    answer = result.get_response()
    expect(answer["id"] if kind == "http" else answer.id, "7")


@check("http: aio: compression")
async def http_compression(session):
    async with session.aio("http") as client:
        for algorithm in ("gzip", "deflate"):
            result = await client.infer(
                "add_sub",
                add_sub_inputs("http", 50),
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            expect(result.as_numpy("SUM").shape, (50, 4))


@check_both("aio: repository index, unload, load with a configuration")
async def repository(session, kind):
    async with session.aio(kind) as client:
        index = as_dict(kind, await client.get_model_repository_index())
        expect("add_sub" in [model["name"] for model in (index if kind == "http" else index["models"])], True)
        config = {"backend": "onnxruntime", "max_batch_size": 6}
        await client.load_model("row_of_six", config=json.dumps(config), files={"file:1/model.onnx": _model(session)})
        found = as_dict(kind, await client.get_model_config("row_of_six"))
        expect(found.get("config", found)["max_batch_size"], 6)
        await client.unload_model("row_of_six")


@check_both("aio: statistics, log and trace settings")
async def settings(session, kind):
    async with session.aio(kind) as client:
        statistics = as_dict(kind, await client.get_inference_statistics("add_sub"))
        expect(statistics["model_stats"][0]["name"], "add_sub")
        await client.update_log_settings({"log_verbose_level": 1})
        await client.update_log_settings({"log_verbose_level": 0})
        logging = as_dict(kind, await client.get_log_settings())
        expect("log_verbose_level" in (logging if kind == "http" else logging["settings"]), True)
        await client.update_trace_settings(settings={"trace_count": "5"})
        await client.update_trace_settings(settings={"trace_count": None})
        tracing = as_dict(kind, await client.get_trace_settings())
        expect("trace_level" in (tracing if kind == "http" else tracing["settings"]), True)


@check_both("aio: error texts and codes")
async def errors(session, kind):
    async with session.aio(kind) as client:
        error = await error_of(client.infer("nobody", add_sub_inputs(kind)))
        expect(error.message(), "Request for unknown model: 'nobody' is not found")
        expect(error.status(), {"http": "404", "grpc": "StatusCode.NOT_FOUND"}[kind])
        error = await error_of(client.infer("add_sub", add_sub_inputs(kind)[:1]))
        expect("expected 2 inputs but got 1 inputs for model 'add_sub'" in error.message(), True)


@check("grpc: aio: a stream, with an error in between")
async def stream(session):
    async def requests():
        for n, model in enumerate(("add_sub", "nobody", "add_sub")):
            yield {"model_name": model, "inputs": add_sub_inputs("grpc"), "request_id": str(n)}

    answers = []
    async with session.aio("grpc") as client:
        async for result, error in client.stream_infer(requests()):
            answers.append(error.message() if error else result.get_response().id)
    expect(answers[0], "0")
    expect(sorted(answer for answer in answers if len(answer) == 1), ["0", "2"])
    expect(sum("nobody" in answer for answer in answers), 1)


@check("grpc: aio: a deadline of the client, and a call that is cancelled")
async def deadline(session):
    async with session.aio("grpc") as client:
        error = await error_of(client.infer("slow", int_input("grpc", [1]), client_timeout=0.05))
        expect(error.status(), "StatusCode.DEADLINE_EXCEEDED")
        call = asyncio.ensure_future(client.infer("slow", int_input("grpc", [1])))
        await asyncio.sleep(0.05)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        expect(call.cancelled(), True)
        expect(await client.is_server_live(), True)


def _model(session):
    with open(f"{session.repository}/identity_fp32/1/model.onnx", "rb") as file:
        return file.read()
