"""Stands in for the runtime where numpy is missing: says so to whoever loads a model."""

import sys

from .channel import Channel, Closed
from .missing import how_to_install


def run(sock):
    """Answers until the server closes the connection."""
    calls = []
    channel = Channel(sock, lambda header, tensors: calls.append(header))
    try:
        while True:
            channel.read(calls)
            call = calls.pop(0)
            # What ends the process has nothing to finalize, and so can't fail.
            failed = {} if call["action"] == "finalize" else {"error": _error(call.get("value"))}
            channel.send({"kind": "reply", "call": call["call"], **failed})
    except Closed:
        return


def _error(value):
    left = value.get("requirements_left", ()) if isinstance(value, dict) else ()
    what = f"the Python {sys.executable} has no numpy, which tensors are made of"
    return {"message": f"{what}: {how_to_install('numpy', left)}", "code": "UNAVAILABLE"}
