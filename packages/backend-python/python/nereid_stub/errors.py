"""Errors with a code, as the server answers them."""


class TritonError:
    """An error as a value: what a response carries."""

    UNKNOWN = "UNKNOWN"
    INTERNAL = "INTERNAL"
    NOT_FOUND = "NOT_FOUND"
    INVALID_ARG = "INVALID_ARG"
    UNAVAILABLE = "UNAVAILABLE"
    UNSUPPORTED = "UNSUPPORTED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CANCELLED = "CANCELLED"

    def __init__(self, message, code=INTERNAL):
        _require_code(code, "TritonError")
        self._message = str(message)
        self._code = code

    def message(self):
        return self._message

    def code(self):
        return self._code

    def __str__(self):
        return self._message

    def __repr__(self):
        return f"TritonError({self._message!r}, {self._code})"


_CODES = frozenset(
    value for name, value in vars(TritonError).items() if name.isupper() and isinstance(value, str)
)


def _require_code(code, what):
    if code not in _CODES:
        raise ValueError(f"{what}: expected a code such as TritonError.NOT_FOUND, found {code!r}")


class TritonModelException(Exception):
    """An error of the server or of a model, as an exception."""

    def __init__(self, message="", code=TritonError.INTERNAL):
        _require_code(code, "TritonModelException")
        super().__init__(message)
        self._code = code

    def message(self):
        return str(self)

    def code(self):
        return self._code


def raise_for(header):
    """Raises the error that an answer carries."""
    error = header.get("error")
    if error is not None:
        raise TritonModelException(error["message"], error["code"])


def describe_error(error):
    """An error or an exception as responses carry it."""
    if isinstance(error, (TritonError, TritonModelException)):
        return {"error": {"message": error.message(), "code": error.code()}}
    return {"error": {"message": message_of(error), "code": TritonError.INTERNAL}}


def message_of(error):
    """The text of an exception; that of a model may fail to give one."""
    try:
        return str(error)
    except Exception as failure:
        return f"(its text can't be had: {type(failure).__name__})"
