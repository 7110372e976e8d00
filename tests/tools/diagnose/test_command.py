"""The arguments of `kdsr diagnose`."""

import subprocess
import sys

import pytest

from kdsr_tools.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: PICTURE"),
        (("a.png", "--max-memory", "much"), "expected a size such as 800M or 2G"),
        (("a.png", "--max-pixels", "0"), "expected a number from 1 on, got '0'"),
    ],
)
def test_wrong_arguments_are_said(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["diagnose", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_help_does_not_wait_for_pytorch():
    code = "import sys; from kdsr_tools.diagnose import command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
