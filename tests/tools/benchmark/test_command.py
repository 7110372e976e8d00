"""`kdsr benchmark` names what it can measure."""

import pytest

from kdsr_tools.cli import main


def test_the_kinds_are_listed(capsys):
    with pytest.raises(SystemExit):
        main(["benchmark", "--help"])
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("    ")}
    assert {"degradation", "startup", "training", "upscale"} <= listed


def test_one_of_them_must_be_named(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["benchmark"])
    assert "the following arguments are required: WHAT" in capsys.readouterr().err
