"""What TensorFlow raises, in one line."""


def first_line(error):
    """What an error says, without the places in the graph and the heading that TensorFlow puts around it."""
    text = getattr(error, "message", None) or str(error)
    lines = (line.strip() for line in text.splitlines())
    said = [line for line in lines if line and line != "Graph execution error:" and not line.startswith("[[{{node")]
    return said[0] if said else type(error).__name__
