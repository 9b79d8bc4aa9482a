"""Runs one instance of a Python model for the server, which is at the other end of two file descriptors."""

import faulthandler
import importlib.util
import os
import signal
import socket
import sys
import traceback
import types

# Frames; and the lifeline, which carries signs of life one way and the end of the server the other.
CHANNEL, LIFELINE = 3, 4


def load_class(file, paths):
    """The class TritonPythonModel of a model.py. `paths` come first on the module path.

    The module is `model` of a package with the name of its folder, so that it may import what lies beside it as
    `from . import helper`. A backend's folder often has the name of the library it imports, which must stay reachable.
    """
    for path in reversed(paths):
        if path not in sys.path:
            sys.path.insert(1, path)
    folder = os.path.dirname(file)
    label = os.path.basename(folder)
    package = types.ModuleType(f"_backend_{label}" if label.isidentifier() else label)
    package.__path__ = [folder]
    sys.modules[package.__name__] = package
    spec = importlib.util.spec_from_file_location(f"{package.__name__}.model", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    model = getattr(module, "TritonPythonModel", None)
    if model is None:
        from nereid_stub.errors import TritonModelException

        raise TritonModelException(f"{file} has no class TritonPythonModel", "INVALID_ARG")
    return model


def main():
    # Until there are handlers, and in the guard.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from nereid_stub.guard import ignore_end_signals, start_guard, start_heartbeat

    for descriptor in (CHANNEL, LIFELINE):
        os.set_inheritable(descriptor, False)
    start_guard(LIFELINE)
    ignore_end_signals()
    start_heartbeat(LIFELINE)
    # A fault in native code shows where Python was.
    faulthandler.enable(all_threads=False)
    os._exit(serve())


def serve():
    """Runs the model until the server has no more use for it. Returns the exit status of the process.

    The caller ends the process itself: threads of the model must not keep it.
    """
    channel = socket.socket(fileno=CHANNEL)
    if importlib.util.find_spec("numpy") is None:
        from nereid_stub import without_numpy

        without_numpy.run(channel)
        return 0
    from nereid_stub.runtime import Runtime, flush_output

    try:
        Runtime(channel, load_class).run()
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        flush_output()


if __name__ == "__main__":
    main()
