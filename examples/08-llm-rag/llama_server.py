"""llama.cpp's own HTTP server, out of the package xllamacpp, with those arguments of its command `llama-server` that are used here."""

import argparse
import os
import signal
import sys

import xllamacpp

parser = argparse.ArgumentParser(prog="llama-server", allow_abbrev=False)
parser.add_argument("-m", "--model", required=True)
parser.add_argument("--alias", default="")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8080)
parser.add_argument("--ctx-size", type=int, default=0)
parser.add_argument("--parallel", type=int, default=1)
parser.add_argument("--threads", type=int)
parser.add_argument("--metrics", action="store_true")
parser.add_argument("--no-warmup", action="store_true")
for word in sys.argv[1:]:
    # As llama-server, to which names and values are words of their own.
    if word.startswith("--") and "=" in word:
        parser.error(f"invalid argument: {word}")
arguments = parser.parse_args()

params = xllamacpp.CommonParams()
params.model.path = arguments.model
params.model_alias = {arguments.alias}
params.hostnames = [arguments.host]
params.port = arguments.port
params.n_ctx = arguments.ctx_size
params.n_parallel = arguments.parallel
if arguments.threads is not None:
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
params.endpoint_metrics = arguments.metrics
params.warmup = not arguments.no_warmup
params.use_jinja = True
# What llama-server reads for itself.
if "LLAMA_API_KEY" in os.environ:
    params.api_keys = [os.environ["LLAMA_API_KEY"]]

server = xllamacpp.Server(params)
print(f"server is listening on {server.listening_address}", flush=True)
# It has threads of its own, which end with the process.
signal.pause()
