"""Error messages for users; the rest of this module is tested where it is used."""

import pytest

from kdsr_tools.files import describe_error


def test_errors_of_the_system_begin_with_the_files_name(tmp_path):
    with pytest.raises(OSError) as error_info:
        (tmp_path / "none").read_bytes()
    assert describe_error(error_info.value) == f"{tmp_path}/none: No such file or directory"


def test_other_messages_stay_and_none_becomes_the_kind():
    assert describe_error(ValueError("a\nb")) == "a\nb"
    assert describe_error(OSError("of ours")) == "of ours"
    assert describe_error(MemoryError()) == "MemoryError"
