"""`python -m kdsr_compat.install_basicsr [OPTIONS OF PIP]`: install what builds BasicSR, then BasicSR."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# BasicSR's setup.py asks for these and PyTorch; found here, pip does not fetch PyTorch a second time.
BUILD_TOOLS = ("setuptools", "wheel", "cython", "numpy")
BASICSR = "basicsr>=1.4.2"


def main(options: Sequence[str]) -> int:
    """Return pip's exit code."""
    pip = [sys.executable, "-m", "pip", "install", *options]
    code = subprocess.call([*pip, *BUILD_TOOLS])
    if code:
        return code
    # The folder holds sitecustomize.py, which says why.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.call([*pip, "--no-build-isolation", BASICSR], env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
