"""Runs all checks: `python walk.py HTTP GRPC REPOSITORY [text in the name of a check …]`, with HOST:PORT each."""

import sys

import aio_checks  # noqa: F401  (registers its checks)
import decoupled_checks  # noqa: F401
import ensemble_checks  # noqa: F401
import infer_checks  # noqa: F401
import llm_checks  # noqa: F401
import management_checks  # noqa: F401
import sequence_checks  # noqa: F401
import shared_memory_checks  # noqa: F401
from checks import run_checks
from session import Session


def main(http, grpc, repository, *only):
    session = Session(http, grpc, repository)
    passed, failed = run_checks(session, only)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
