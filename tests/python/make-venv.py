"""Makes a virtual environment with packages, unless it is there: make-venv.py FOLDER REQUIREMENTS [PIP-OPTION…]

Test files that run at the same time may want the same one: the first makes it, the others wait.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

folder, requirements, *pip_options = sys.argv[1:]
stamp = os.path.join(folder, "requirements.sha256")
with open(requirements, "rb") as file:
    wanted = hashlib.sha256(file.read()).hexdigest()


def is_made():
    if not os.path.exists(stamp):
        return False
    with open(stamp) as file:
        return file.read() == wanted


def make():
    print(f"Installing the Python packages of {requirements}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [os.path.join(folder, "bin/python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *pip_options, "-r", requirements], check=True)
    with open(stamp, "w") as file:
        file.write(wanted)


os.makedirs(os.path.dirname(folder), exist_ok=True)
# The lock goes with the process that holds it, however that ends.
with open(f"{folder}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not is_made():
        try:
            make()
        except subprocess.CalledProcessError as error:
            # Its own words stand above.
            sys.exit(str(error))
