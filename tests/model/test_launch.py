"""What a launcher says when it ends early: to the person, to torchrun, and to the experiment's log."""

import json
import logging
import sys

import pytest

from kdsr_model import launch
from kdsr_options.schema import OptionError, Problem

ERROR = OptionError([Problem("train.optim_g.lr", "is missing")])


@pytest.mark.parametrize(("rank", "is_printed"), [("0", True), ("1", False)])
def test_torchrun_is_told_the_sentence_by_every_process(tmp_path, monkeypatch, capsys, rank, is_printed):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    with pytest.raises(SystemExit):
        launch.stop_with(ERROR)
    told = json.loads((tmp_path / "error.json").read_text())["message"]["extraInfo"]["py_callstack"]
    assert told == "1 problem in the options; nothing was started:\ntrain.optim_g.lr: is missing"
    assert ("train.optim_g.lr: is missing" in capsys.readouterr().err) == is_printed


def test_a_trace_is_written_into_the_log_file_too(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "check_file", lambda argv: {})
    monkeypatch.setattr(launch, "prepare_options", lambda opt: None)
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: seen.append(args))
    launch.prepare_or_exit({})
    handler = logging.FileHandler(tmp_path / "train.log")
    logging.getLogger("basicsr").addHandler(handler)
    try:
        raise KeyError("unforeseen")
    except KeyError:
        sys.excepthook(*sys.exc_info())
    finally:
        logging.getLogger("basicsr").removeHandler(handler)
        handler.close()
    assert "KeyError: 'unforeseen'" in (tmp_path / "train.log").read_text()
    assert len(seen) == 1
