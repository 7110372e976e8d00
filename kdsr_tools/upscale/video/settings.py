"""What users choose for films."""

from __future__ import annotations

from dataclasses import dataclass, field

from kdsr_data.pictures import MAX_PIXELS


@dataclass(frozen=True)
class EncoderSettings:
    """What users choose; None is what suits the film.

    Args:
        codec: h264, hevc, vp9, av1, ffv1, mpeg4, or the name of one of FFmpeg's encoders.
        crf: constant quality, on the encoder's own scale; smaller is better.
        pixel_format: FFmpeg's name, such as yuv420p10le.
    """

    codec: str | None = None
    crf: float | None = None
    pixel_format: str | None = None


@dataclass(frozen=True)
class FilmSettings:
    """How films are made.

    Args:
        has_scene_idrs: one IDR for each scene; False is what `Upscaler` does with single pictures.
        max_pixels: refuse larger frames.
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    has_scene_idrs: bool = True
    max_pixels: int = MAX_PIXELS
