"""The `kdsr` command: what it lists, exit codes, and errors in one line."""

import subprocess
import sys

import pytest
from option_files import ROOT

from kdsr_tools.cli import SUBCOMMANDS, main


def test_all_commands_are_listed_without_waiting_for_pytorch():
    script = "import sys; from kdsr_tools.cli import main\n"
    script += "try: main(sys.argv[1:])\nfinally: assert 'torch' not in sys.modules"
    for arguments in (["--help"], ["upscale", "--help"]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        if arguments == ["--help"]:
            assert all(f"    {name}" in done.stdout for name in SUBCOMMANDS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([name, "--help"])
    assert exit_info.value.code == 0
    assert f"usage: kdsr {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["options", "--unknown"]])
def test_wrong_arguments_give_two(arguments, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert "usage: kdsr" in capsys.readouterr().err


def test_an_interruption_gives_130_without_a_trace(monkeypatch, capsys):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("kdsr_tools.option_files.run", interrupt)
    assert main(["options"]) == 130
    assert capsys.readouterr().err == "kdsr: interrupted\n"
