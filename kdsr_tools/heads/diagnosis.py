"""What heads say of a picture: blur, its direction, noise, JPEG, clean or not, each with an interval of 90 %."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# Beyond this quality nobody sees JPEG; below these, blur (pixels of the result) and noise are not worth a word.
NO_JPEG = 97
UNSEEN_BLUR, UNSEEN_NOISE = 0.8, 1.5


@dataclass(frozen=True)
class Reading:
    """One number and the interval that holds the truth in nine of ten cases.

    `is_known` is False where the interval is as wide as what pictures have anyway: then the IDR cannot tell.
    """

    value: float
    low: float
    high: float
    is_known: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as JSON has it."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(number, 2) for name, number in numbers.items()} | {"known": self.is_known}


@dataclass(frozen=True)
class Diagnosis:
    """What a student's IDR tells of a picture.

    Args:
        blur: the width of the blur, the standard deviation of a Gaussian, in pixels of the result.
        elongation: long over short side of the blur.
        direction: of its long side in degrees, clockwise from the horizontal; `low` and `high` may lie beyond 0..180.
        noise: its level, of 255.
        jpeg: quality as libjpeg counts; 100 is none.
        clean_probability: that there is no damage worth a word, among pictures as the heads learned from.
        is_clean: the verdict; None where neither can be ruled out.
    """

    blur: Reading
    elongation: Reading
    direction: Reading
    noise: Reading
    jpeg: Reading
    clean_probability: float
    is_clean: bool | None

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON has it."""
        readings = {
            name: getattr(self, name).as_dict() for name in ("blur", "elongation", "direction", "noise", "jpeg")
        }
        return {"clean": self.is_clean, "clean_probability": round(self.clean_probability, 2), **readings}

    def summarise(self) -> str:
        """Say in a few words what is worth one: `blur 2.0, noise 12, JPEG 60`."""
        parts = [
            ("blur", self.blur, f"{self.blur.value:.1f}", self.blur.value > UNSEEN_BLUR),
            ("noise", self.noise, f"{self.noise.value:.0f}", self.noise.value > UNSEEN_NOISE),
            ("JPEG", self.jpeg, f"{self.jpeg.value:.0f}", self.jpeg.value < NO_JPEG),
        ]
        seen = [f"{name} {text if reading.is_known else '?'}" for name, reading, text, is_seen in parts if is_seen]
        return ", ".join(seen) if seen and not self.is_clean else "clean" if self.is_clean else "hardly any damage"

    def describe(self) -> list[str]:
        """Say it in lines, the verdict first."""
        verdict = {True: "clean", False: "damaged", None: "clean or nearly so: cannot tell"}[self.is_clean]
        return [verdict, self._describe_blur(), self._describe_noise(), self._describe_jpeg()]

    def _describe_blur(self) -> str:
        direction = ""
        if self.direction.is_known:
            ratio, half = self.elongation.value, (self.direction.high - self.direction.low) / 2
            direction = f", {ratio:.1f} times as long as wide at {self.direction.value:.0f}° (± {half:.0f}°)"
        return f"blur: {describe_reading(self.blur, digits=1, unit=' pixels')}{direction}"

    def _describe_noise(self) -> str:
        return f"noise: {describe_reading(self.noise, digits=0, unit=' of 255')}"

    def _describe_jpeg(self) -> str:
        if self.jpeg.is_known and self.jpeg.low >= NO_JPEG:
            return f"JPEG: none, or of quality {math.floor(self.jpeg.low)} and more"
        return f"JPEG: {describe_reading(self.jpeg, digits=0, unit=' of 100')}"


def describe_reading(reading: Reading, *, digits: int, unit: str) -> str:
    """Say a number with its interval, or that it cannot be told."""
    if not reading.is_known:
        return "cannot tell"
    value, low, high = (f"{number:.{digits}f}" for number in (reading.value, reading.low, reading.high))
    return f"{value}{unit} ({low} to {high})"
