"""llama.cpp's own HTTP server, with the arguments of its command `llama-server` that the server gives it."""

import argparse
import threading

import xllamacpp

parser = argparse.ArgumentParser(prog="llama-server", allow_abbrev=False)
parser.add_argument("-m", "--model", required=True)
parser.add_argument("--alias", default="")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8080)
parser.add_argument("--ctx-size", type=int, default=0)
parser.add_argument("--metrics", action="store_true")
arguments = parser.parse_args()

params = xllamacpp.CommonParams()
params.model.path = arguments.model
params.model_alias = {arguments.alias}
params.hostnames = [arguments.host]
params.port = arguments.port
params.n_ctx = arguments.ctx_size
params.n_parallel = 1
params.endpoint_metrics = arguments.metrics
params.use_jinja = True

server = xllamacpp.Server(params)
threading.Event().wait()
