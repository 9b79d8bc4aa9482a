"""The list of checks, and how they are run."""

import asyncio
import inspect
import sys
import time
import traceback

CHECKS = []


def check(name):
    """Registers a function of the session, or a coroutine of it, as a check."""

    def register(function):
        CHECKS.append((name, function))
        return function

    return register


def check_both(name):
    """Registers a function of (session, client kind) twice: for HTTP and for gRPC."""

    def register(function):
        for kind in ("http", "grpc"):
            CHECKS.append((f"{kind}: {name}", _bind(function, kind)))
        return function

    return register


def _bind(function, kind):
    if inspect.iscoroutinefunction(function):

        async def bound(session):
            await function(session, kind)

        return bound
    return lambda session: function(session, kind)


def run_checks(session, only):
    """Runs the checks whose names hold one of the texts; gives (passed, failed)."""
    passed = failed = 0
    for name, function in CHECKS:
        if only and not any(text in name for text in only):
            continue
        start = time.monotonic()
        try:
            if inspect.iscoroutinefunction(function):
                asyncio.run(function(session))
            else:
                function(session)
            passed += 1
            print(f"ok      {name} ({time.monotonic() - start:.2f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED  {name}: {_place(error)}{type(error).__name__}: {error}", flush=True)
    return passed, failed


def _place(error):
    """File and line of the check that failed."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(sys.path[0])]
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}: " if frames else ""


def expect(found, expected):
    """Fails with both values when they differ."""
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")
