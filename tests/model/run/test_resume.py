"""What a training goes on from."""

import pytest

from kdsr_model.run.resume import names_a_seed
from kdsr_options.command_line import parse_command_line


@pytest.mark.parametrize(
    ("text", "forced", "expected"),
    [
        ("name: x\nmanual_seed: 0\n", (), True),
        ("name: x\nmanual_seed: ~\n", (), False),
        ("name: x\n", (), False),
        ("train:\n  manual_seed: 3\n", (), False),
        ("name: x\n'manual_seed' : 3\n", (), True),
        ("name: x\n", ("--force_yml", "train={}", "manual_seed=4"), True),
        ("name: x\nmanual_seed: 3\n", ("--force_yml", "manual_seed=~"), False),
    ],
)
def test_a_seed_of_the_users_own_is_found(tmp_path, text, forced, expected):
    (tmp_path / "o.yml").write_text(text)
    assert names_a_seed(parse_command_line(["-opt", str(tmp_path / "o.yml"), *forced])) == expected
