"""What lets BasicSR's setup.py read its version on Python 3.13 and newer."""

import os
import subprocess
import sys
from pathlib import Path

import kdsr_compat.install_basicsr

FOLDER = Path(kdsr_compat.install_basicsr.__file__).parent
# The lines of basicsr 1.4.2's setup.py, and the uses of `exec` that other packages make.
SETUP = """
def get_version():
    exec(compile("__version__ = '1.4.2'", "version.py", "exec"))
    return locals()["__version__"]

def in_a_namespace():
    namespace = {}
    exec("a = 1", namespace)
    exec("b = a + 1", namespace, namespace)
    return namespace["b"], "a" in locals()

exec("at_the_top = 3")
def in_locals_alone(c=5):
    found = {}
    exec("d = at_the_top", None, found)
    return found

print(get_version(), *in_a_namespace(), at_the_top, in_locals_alone())
"""


def test_a_version_that_exec_defines_in_a_function_can_be_read_back():
    environment = {**os.environ, "PYTHONPATH": str(FOLDER)}
    done = subprocess.run([sys.executable, "-c", SETUP], env=environment, capture_output=True, text=True)
    assert done.stdout == "1.4.2 2 False 3 {'d': 3}\n", done.stderr
