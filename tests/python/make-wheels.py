"""Makes wheels for tests that install packages without a network: `make-wheels.py <folder> [<version>]`.

One of a tiny package `greeting`, of that version or 1.0, and one of numpy, out of the files that are installed for this
Python.
"""

import base64
import csv
import hashlib
import importlib.metadata
import io
import pathlib
import sys
import zipfile


def greeting(version):
    """The files of the tiny package, which says its version, unless that is 1.0."""
    text = "hello" if version == "1.0" else f"hello from {version}"
    return {
        "greeting.py": f'TEXT = "{text}"\n'.encode(),
        f"greeting-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n".encode(),
        f"greeting-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }


def write_wheel(folder, label, tag, files):
    """`label` is `<name>-<version>`; `files` has the content of each by its path."""
    record = f"{label}.dist-info/RECORD"
    rows = io.StringIO()
    with zipfile.ZipFile(folder / f"{label}-{tag}.whl", "w") as wheel:
        for path, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            csv.writer(rows).writerow([path, f"sha256={digest}", len(content)])
            wheel.writestr(path, content)
        csv.writer(rows).writerow([record, "", ""])
        wheel.writestr(record, rows.getvalue())


def installed(name):
    """Label, tag and files of a package that is installed."""
    package = importlib.metadata.distribution(name)
    files = {
        str(file): pathlib.Path(file.locate()).read_bytes()
        for file in package.files
        if not str(file).startswith("..") and file.suffix != ".pyc" and file.name not in ("RECORD", "INSTALLER")
    }
    tag = next(line[5:] for line in package.read_text("WHEEL").splitlines() if line.startswith("Tag: "))
    return f"{name}-{package.version}", tag, files


folder = pathlib.Path(sys.argv[1])
version = sys.argv[2] if len(sys.argv) > 2 else "1.0"
write_wheel(folder, f"greeting-{version}", "py3-none-any", greeting(version))
write_wheel(folder, *installed("numpy"))
