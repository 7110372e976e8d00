"""Reading option files without running what they name."""

from kdsr_options.files import read_option_file


def test_reading_an_option_file_runs_nothing_that_it_names(tmp_path):
    (tmp_path / "x.yml").write_text(
        f"a: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{tmp_path}/ran']]\n"
        'kdsr_version: !!python/name:kdsr_model.__version__ ""\nb: 2\nlr: !!float 1e-4\n'
    )
    assert read_option_file(tmp_path / "x.yml") == {"a": None, "kdsr_version": None, "b": 2, "lr": 1e-4}
    assert not (tmp_path / "ran").exists()
