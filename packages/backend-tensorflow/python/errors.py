"""What TensorFlow raises, in one line."""

import re

# Headings, and places in the graph.
_NOT_SAID = re.compile(r"Graph execution error:|\d+ root error\(s\) found\.|\[\[\{\{node .*")


def first_line(error):
    """What an error says, without what TensorFlow puts around it."""
    text = getattr(error, "message", None) or str(error)
    # Before the message stands where in Python each node was made, which ends with its name.
    text = re.split(r"^Node: .*\n", text, flags=re.MULTILINE)[-1]
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not _NOT_SAID.fullmatch(line)), type(error).__name__)
