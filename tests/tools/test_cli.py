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


# Those that have subcommands of their own, with each of these.
NESTED = [("benchmark", kind) for kind in ("degradation", "startup", "training", "upscale")]
NESTED += [("quickstart", step) for step in ("data", "report")]


@pytest.mark.parametrize("words", [*((name,) for name in SUBCOMMANDS), *NESTED], ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    with pytest.raises(SystemExit) as exit_info:
        main([*words, "--help"])
    assert exit_info.value.code == 0
    usage, description, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: kdsr {' '.join(words)} ")
    assert description[0].isupper() and description.endswith(".") and len(description) > 20


MAKE_PAGES = [name for name, subcommand in SUBCOMMANDS.items() if subcommand.makes_pages]


@pytest.mark.parametrize("missing", [["jinja2"], ["matplotlib"], ["sklearn"], ["jinja2", "matplotlib", "sklearn"]])
def test_a_report_says_which_extra_brings_what_is_missing_before_it_begins(missing):
    script = f"import sys; sys.modules.update(dict.fromkeys({missing!r})); from kdsr_tools.cli import main\n"
    script += f"print([main([name]) for name in {MAKE_PAGES!r}])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == f"{[1] * len(MAKE_PAGES)}\n"
    names = " and ".join(missing).replace("sklearn", "scikit-learn")
    verb = "is" if len(missing) == 1 else "are"
    advice = f"needs {names}, which {verb} not installed: pip install 'kdsr[report]'"
    assert done.stderr.splitlines() == [f"kdsr: {name} {advice}" for name in MAKE_PAGES]


def test_the_commands_that_make_pages_are_known():
    assert MAKE_PAGES == ["quickstart", "compare", "inspect", "curves"]


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
