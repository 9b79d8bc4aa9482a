"""Lines of the model in the server's log."""

import enum


class LogLevel(enum.Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    VERBOSE = "verbose"


class Logger:
    LogLevel = LogLevel
    INFO, WARNING, ERROR, VERBOSE = LogLevel

    @staticmethod
    def log(message, level=LogLevel.INFO):
        """Verbose lines are shown from `--log-verbose=1` on. Lines carry the ids of the requests in execution."""
        from . import runtime

        if not isinstance(level, LogLevel):
            raise TypeError(f"Logger.log: expected a level such as Logger.WARNING, found {level!r}")
        runtime.current().log(level.value, message)

    @staticmethod
    def log_info(message):
        Logger.log(message, Logger.INFO)

    @staticmethod
    def log_warn(message):
        Logger.log(message, Logger.WARNING)

    @staticmethod
    def log_error(message):
        Logger.log(message, Logger.ERROR)

    @staticmethod
    def log_verbose(message):
        Logger.log(message, Logger.VERBOSE)
