"""llama.cpp's own HTTP server, out of the package xllamacpp, with the arguments of `llama-server` that are used here."""

import argparse
import os
import signal

import xllamacpp


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("-m", "--model", required=True)
    arguments.add_argument("--alias", required=True)
    arguments.add_argument("--host", required=True)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--metrics", action="store_true")
    arguments.add_argument("--parallel", type=int, default=2)
    arguments.add_argument("--ctx-size", type=int, default=1024)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()

    parameters = xllamacpp.CommonParams()
    parameters.model.path = given.model
    parameters.model_alias = {given.alias}
    parameters.hostnames = [given.host]
    parameters.port = given.port
    parameters.endpoint_metrics = given.metrics
    parameters.n_parallel = given.parallel
    parameters.n_ctx = given.ctx_size
    parameters.cpuparams.n_threads = given.threads
    parameters.cpuparams_batch.n_threads = given.threads
    parameters.warmup = False
    parameters.use_jinja = True
    # What llama-server reads for itself.
    parameters.api_keys = [os.environ["LLAMA_API_KEY"]]
    server = xllamacpp.Server(parameters)
    print(f"server is listening on {server.listening_address}", flush=True)
    # The server has threads of its own, which end with the process.
    signal.pause()


main()
