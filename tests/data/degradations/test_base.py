"""What every degradation is, and how an option block becomes one."""

import numpy as np
import pytest
from pydantic import Field

from kdsr_data.degradations.base import (
    DEGRADATION_REGISTRY,
    Degradation,
    build_degradation,
    degradation_settings,
    round_to_8_bit,
)
from kdsr_options.schema import OptionError, Settings


class DarkerSettings(Settings):
    scale: int
    factor: float = Field(default=0.5, ge=0, le=1)


class Darker(Degradation[DarkerSettings]):
    settings_class = DarkerSettings

    def __call__(self, gt, rng):
        return gt * self.settings.factor


@pytest.fixture(autouse=True)
def registered():
    DEGRADATION_REGISTRY._obj_map["Darker"] = Darker
    yield
    del DEGRADATION_REGISTRY._obj_map["Darker"]


def test_a_block_becomes_a_degradation_with_its_settings():
    darker = build_degradation({"type": "Darker", "scale": 4, "factor": 0.25})
    assert darker.settings == DarkerSettings(scale=4, factor=0.25)
    assert (darker.remark(), darker.degraded_size) == (None, None)
    assert darker.choose(np.random.default_rng(0)) is darker
    assert darker(np.float32(0.8), np.random.default_rng(0)) == pytest.approx(0.2)


def test_settings_come_without_building_anything(monkeypatch):
    monkeypatch.setattr(Darker, "__init__", None)
    assert degradation_settings({"type": "Darker", "scale": 2}, path="d") == DarkerSettings(scale=2)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("Darker", "degradation: expected a block with a 'type', got 'Darker'"),
        ({"type": "Darkr"}, "degradation.type: no degradation is registered as 'Darkr'; did you mean 'Darker'?"),
        ({"scale": 4}, "degradation.type: no degradation is registered as None"),
        ({"type": "Darker", "scale": 4, "factr": 1}, "degradation.factr: unknown key; did you mean 'factor'?"),
        ({"type": "Darker", "scale": 4, "factor": 2}, "degradation.factor: expected less than or equal to 1, got 2"),
    ],
)
def test_wrong_blocks_are_named_by_their_path(block, message):
    with pytest.raises(OptionError) as error:
        build_degradation(block)
    assert str(error.value).startswith(message)


def test_rounding_gives_the_levels_of_8_bits():
    rounded = round_to_8_bit(np.float32([-0.1, 0.4 / 255, 0.6 / 255, 0.5, 1.2]))
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded * np.float32(255), [0, 0, 1, 128, 255])
