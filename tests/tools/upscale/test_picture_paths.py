"""Which pictures are found and where results go: structure, names, and no result lost to another."""

import os
from pathlib import Path

import pytest

from kdsr_tools.upscale.picture_paths import Job, plan_jobs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Make the current folder one with a few files, which need not be pictures here."""
    monkeypatch.chdir(tmp_path)
    for name in ("p/a.png", "p/b.JPG", "p/sub/c.tif", "p/.hidden.png", "p/.cache/d.png", "p/notes.txt", "x.webp"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


def plan(*inputs, scale=4, **options):
    return {str(source): str(target) for source, target in plan_jobs(inputs, scale=scale, **options)}


def test_a_files_result_lies_beside_it(here):
    assert plan("x.webp") == {"x.webp": "x_x4.webp"}
    assert plan("p/a.png", scale=2.5) == {"p/a.png": "p/a_x2.5.png"}
    assert plan("p/a.png", name_suffix="-large", output_format="jpg") == {"p/a.png": "p/a-large.jpg"}


def test_a_folders_results_lie_in_a_folder_beside_it(here, monkeypatch):
    assert plan("p") == {"p/a.png": "p_x4/a.png", "p/b.JPG": "p_x4/b.JPG"}
    assert plan("p/sub/", name_suffix="_big") == {"p/sub/c.tif": "p/sub_x4/c_big.tif"}
    monkeypatch.chdir("p/sub")
    assert plan(".") == {"c.tif": "../sub_x4/c.tif"}


def test_subfolders_are_searched_on_request_and_kept_as_structure(here):
    expected = {"p/a.png": "out/a.png", "p/b.JPG": "out/b.JPG"}
    assert plan("p", output=Path("out")) == expected
    assert plan("p", output=Path("out"), recursive=True) == {**expected, "p/sub/c.tif": "out/sub/c.tif"}


def test_patterns_keep_the_structure_below_their_fixed_part(here):
    assert plan("p/*.png", output=Path("out")) == {"p/a.png": "out/a.png"}
    expected = {"p/a.png": "out/a.png", "p/sub/c.tif": "out/sub/c.tif"}
    assert plan("p/**/*.[pt][ni][gf]", output=Path("out")) == expected
    assert plan("p/**/c*") == {"p/sub/c.tif": "p/sub/c_x4.tif"}


def test_a_name_with_wildcards_that_exists_is_a_name(here):
    Path("a[1].png").touch()
    assert plan("a[1].png") == {"a[1].png": "a[1]_x4.png"}


def test_one_pictures_result_may_be_named(here):
    assert plan("x.webp", output=Path("out/y.PNG")) == {"x.webp": "out/y.PNG"}
    assert plan("x.webp", output=Path("out")) == {"x.webp": "out/x.webp"}
    Path("folder.png").mkdir()
    assert plan("x.webp", output=Path("folder.png")) == {"x.webp": "folder.png/x.webp"}
    for inputs in (["p"], ["x.webp", "p/a.png"], ["p/*.png"]):
        with pytest.raises(ValueError, match=r"--output y\.png: expected a folder, .* got a file's name"):
            plan(*inputs, output=Path("y.png"))


def test_files_of_other_names_are_tried_and_become_png(here):
    assert plan("p/notes.txt", "missing", output=Path("out")) == {
        "p/notes.txt": "out/notes.png",
        "missing": "out/missing.png",
    }


def test_what_is_named_twice_is_done_once(here):
    assert plan("p", "p/a.png", "p/../p/b.JPG", output=Path("out")) == {"p/a.png": "out/a.png", "p/b.JPG": "out/b.JPG"}


def test_an_output_folder_inside_is_not_searched(here):
    Path("p/out").mkdir()
    Path("p/out/a.png").touch()
    assert "p/out/a.png" not in plan("p", output=Path("p/out"), recursive=True)


def test_the_work_of_planning_grows_with_the_files_alone(here, path_comparisons):
    Path("many").mkdir()
    for number in range(300):
        Path(f"many/{number}.png").touch()
    assert len(plan("many", output_format="png")) == 300
    assert sum(path_comparisons.values()) < 300 * 30  # each with each would be 90,000


def test_links_in_circles_end(here):
    os.symlink(here / "p", here / "p/sub/again")
    assert len(plan("p", output=Path("out"), recursive=True)) == 3


def test_earlier_results_beside_pictures_are_not_enlarged_again(here):
    Path("p/a_x4.png").touch()
    assert plan("p/*.png") == {"p/a.png": "p/a_x4.png"}
    Path("p/z_x4.png").touch()  # nobody's result
    assert plan("p/*.png") == {"p/a.png": "p/a_x4.png", "p/z_x4.png": "p/z_x4_x4.png"}


def test_the_order_is_the_same_every_time(here):
    jobs = plan_jobs(["x.webp", "p"], scale=4, output=Path("out"), recursive=True)
    assert [job.source.name for job in jobs] == ["x.webp", "a.png", "b.JPG", "c.tif"]
    assert jobs[0] == Job(Path("x.webp"), Path("out/x.webp"))


@pytest.mark.parametrize(
    ("inputs", "options"),
    [(["p/a.png", "p/sub/a.png"], {}), (["p/a.png", "p/a.jpg"], {"output_format": "png"}), (["p", "p/sub"], {})],
)
def test_two_results_of_one_name_are_refused(here, inputs, options):
    Path("p/sub/a.png").touch()
    with pytest.raises(ValueError, match=r"out/a\.png: both p/a\.png and p/\S+ would be written there; "):
        plan(*inputs, output=Path("out"), **options)


@pytest.mark.parametrize("output", ["p", "p/../p", "link"])
def test_a_result_never_replaces_a_picture_that_is_read(here, output):
    os.symlink(here / "p", here / "link")
    with pytest.raises(ValueError, match=r"a\.png: this result would replace a picture that is read; .*--suffix"):
        plan("p/a.png", output=Path(output))
    assert plan("p/a.png", output=Path(output), name_suffix="_4") == {"p/a.png": f"{Path(output)}/a_4.png"}


def test_a_result_never_replaces_its_own_picture(here):
    with pytest.raises(ValueError, match=r"x\.webp: this result would replace a picture that is read"):
        plan("x.webp", name_suffix="")
    assert plan("p/b.JPG", name_suffix="", output_format="png") == {"p/b.JPG": "p/b.png"}


@pytest.mark.parametrize("output", ["y.heic", "y.AVIF", "y.jp2"])
def test_a_name_of_a_format_that_is_not_written_is_no_folder(here, output):
    with pytest.raises(ValueError, match=rf"--output {output}: pictures are written as \.png, .*, films as \.mkv, "):
        plan("x.webp", output=Path(output))


@pytest.mark.parametrize(
    "options", [{"output_format": "jpg"}, {"film_format": "mkv"}, {"name_suffix": "_4"}, {"name_suffix": ""}]
)
def test_what_a_whole_name_leaves_no_room_for_is_refused(here, options):
    with pytest.raises(ValueError, match=r"y\.png \(--output\)"):
        plan("x.webp", output=Path("y.png"), **options)
    assert plan("x.webp", output=Path("y.jpeg"), output_format="jpg") == {"x.webp": "y.jpeg"}


def test_finding_nothing_is_an_error(here):
    Path("empty/deeper").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"empty: there are no pictures in this folder .*--recursive searches sub"):
        plan("empty")
    with pytest.raises(ValueError, match=r"no pictures in this folder \(looked for [^)]*\)$"):
        plan("empty", recursive=True)
    with pytest.raises(ValueError, match=r"p/\*\.gif: no file matches this pattern"):
        plan("p/*.gif")
