"""What a model notes in the trace of a request."""


def record_activity(request, name):
    """Notes a moment of the execution in the trace of a request of `execute`, as of now.

    What lies between `<name>_START` and `<name>_END` becomes a span `<name>` below `compute` in mode `opentelemetry`; any
    other name is an event. In mode `triton` both are timestamps in the file. Nothing happens where the request is not
    traced with level TIMESTAMPS, or was answered to the end.

    name: in capitals, as Triton's own: `TOKENIZE_START`. Raises ValueError when it is empty or no text.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"record_activity: expected a name such as 'TOKENIZE_START', found {name!r}")
    request._record_activity(name)
