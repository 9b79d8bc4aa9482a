"""What to do when the Python of a model lacks a package."""

import sys


def how_to_install(package, requirements_left):
    """A sentence's end. package: what pip calls it, or None. requirements_left: files that the server was told to leave alone."""
    python = sys.executable
    if requirements_left:
        files = " ".join(f"-r {file}" for file in requirements_left)
        return (
            f"install it for the Python {python}, which with requirements=ignore must also have what "
            f"{' and '.join(requirements_left)} asks for: '{python} -m pip install {files}'"
        )
    command = "" if package is None else f" ('{python} -m pip install {package}')"
    return f"install it for the Python {python}{command}, or name it in a requirements.txt beside the model"
