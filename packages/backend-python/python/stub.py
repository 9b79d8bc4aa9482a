"""Runs one instance of a Python model for the server, which is at the other end of file descriptor 3."""

import importlib.util
import os
import signal
import socket
import sys
import types


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
    # A signal to the group (Ctrl-C in a terminal, say) reaches all processes; the server decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from nereid_stub.runtime import Runtime, flush_output

    Runtime(socket.socket(fileno=3), load_class).run()
    flush_output()
    # Threads of the model must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
