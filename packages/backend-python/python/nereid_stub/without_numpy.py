"""Stands in for the runtime where numpy is missing: says so to whoever loads a model."""

import sys

from .channel import Channel, Closed

MESSAGE = (
    "the Python {executable} has no numpy, which tensors are made of: install it there "
    "('{executable} -m pip install numpy'), or name it in a requirements.txt beside the model"
)


def run(sock):
    """Answers until the server closes the connection."""
    calls = []
    channel = Channel(sock, lambda header, tensors: calls.append(header))
    error = {"message": MESSAGE.format(executable=sys.executable), "code": "UNAVAILABLE"}
    try:
        while True:
            channel.read(calls)
            call = calls.pop(0)
            # What ends the process has nothing to finalize, and so can't fail.
            failed = {} if call["action"] == "finalize" else {"error": error}
            channel.send({"kind": "reply", "call": call["call"], **failed})
    except Closed:
        return
