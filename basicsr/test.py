"""Test with BasicSR's loop and this plugin: `python basicsr/test.py -opt options/test_kdsr_gaussian8.yml`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In place of this file's folder, whose `test.py` hides the standard library's `test`.
sys.path[0] = str(ROOT)

from kdsr_compat.wait_policy import wait_briefly  # noqa: E402

wait_briefly()  # before the next import, which brings PyTorch

from kdsr_model.launch import run  # noqa: E402

if __name__ == "__main__":
    run("test", ROOT)
