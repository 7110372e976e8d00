"""Which encoder makes the result, in which pixel format, and what it cannot keep; said before the work begins."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
from av.codec.codec import Codec, UnknownCodecError
from av.container import OutputContainer
from av.video.format import VideoFormat
from av.video.stream import VideoStream

from kdsr_tools.upscale.video.colours import find_depth
from kdsr_tools.upscale.video.names import CONTAINERS
from kdsr_tools.upscale.video.plan import Look, Plan
from kdsr_tools.upscale.video.settings import EncoderSettings

# Codecs by the names that users know, with FFmpeg's encoders of each, the first of which is there is taken.
ENCODERS = {
    "h264": ("libx264", "h264"),
    "hevc": ("libx265", "hevc"),
    "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1", "libaom-av1"),
    "ffv1": ("ffv1",),
    "mpeg4": ("mpeg4",),
}
# What is taken where no codec was named.
DEFAULT_CODECS = {".webm": ("vp9", "av1")}
OTHER_DEFAULT_CODECS = ("h264", "vp9", "mpeg4")
# Hardly to be told from lossless; encoders count differently.
DEFAULT_CRFS = {"libx264": 17.0, "libx265": 19.0, "libvpx-vp9": 20.0, "libsvtav1": 22.0, "libaom-av1": 20.0}
# Encoders whose streams do not tell a pixel's aspect ratio, so that Matroska would have to.
BLIND_TO_ASPECT = ("libvpx-vp9", "libsvtav1", "libaom-av1", "ffv1")
QUIET = {"libx265": {"x265-params": "log-level=error"}}


@dataclass(frozen=True)
class Encoder:
    """An encoder of this FFmpeg, with its options.

    Args:
        use_b_frames: False keeps frames in the order of display, if the encoder would change it.
    """

    name: str
    pixel_format: str
    options: tuple[tuple[str, str], ...]
    use_b_frames: bool = True

    def add_stream(self, container: OutputContainer, look: Look, *, size: tuple[int, int]) -> VideoStream:
        """Add a stream for frames of `size` (width, height); its ticks are frames."""
        # Its class has a mark for whatever the name of a codec may be.
        stream: VideoStream = container.add_stream(self.name, rate=look.rate, options=dict(self.options))  # type: ignore[assignment]
        context, colours = stream.codec_context, look.colours.for_yuv
        context.width, context.height = size
        context.pix_fmt = self.pixel_format
        context.time_base = 1 / look.rate
        context.sample_aspect_ratio = look.pixel_aspect
        context.color_range = colours.range
        context.color_primaries = colours.primaries
        context.color_trc = colours.transfer
        context.colorspace = colours.matrix
        if not self.use_b_frames:
            context.max_b_frames = 0
        return stream


def choose_encoder(
    settings: EncoderSettings, plan: Plan, target: Path, *, size: tuple[int, int], note: Callable[[str], object]
) -> Encoder:
    """Choose encoder and pixel format.

    Args:
        size: width and height of the result.
        note: told what the result cannot keep.

    Raises:
        ValueError: this FFmpeg has no such encoder, or it cannot do what is asked for.
    """
    look = plan.look
    codec = _find_codec(settings.codec, target.suffix.lower())
    available = [video_format.name for video_format in codec.video_formats or []]
    pixel_format = settings.pixel_format or _choose_pixel_format(look.pixel_format, available, size)
    if available and pixel_format not in available:
        raise ValueError(f"--pixel-format: {codec.name} takes {', '.join(available)}; got {pixel_format!r}")
    options = {**QUIET.get(codec.name, {}), **_crf_option(codec, settings.crf)}
    # MP4 keeps how long each frame lasts, in the order of decoding: where they differ, it must be that of display.
    use_b_frames = plan.is_steady or target.suffix.lower() not in (".mp4", ".mov")
    encoder = Encoder(codec.name, pixel_format, tuple(options.items()), use_b_frames)
    _note_losses(look, encoder, target, note)
    _try(encoder, look, target, size)
    return encoder


def _note_losses(look: Look, encoder: Encoder, target: Path, note: Callable[[str], object]) -> None:
    depth, new_depth = find_depth(look.pixel_format), find_depth(encoder.pixel_format)
    if new_depth < depth:
        note(f"{encoder.name} in {encoder.pixel_format} keeps {new_depth} of {depth} bits a channel")
    if any(component.is_alpha for component in VideoFormat(look.pixel_format).components):
        note("transparency is left out")
    for name in look.left_out:
        note(f"{name} cannot be carried over")
    if look.pixel_aspect != 1 and encoder.name in BLIND_TO_ASPECT and target.suffix.lower() in (".mkv", ".webm"):
        note(f"{encoder.name} in {target.suffix} cannot keep the pixels' aspect ratio {look.pixel_aspect}; .mp4 can")


def _try(encoder: Encoder, look: Look, target: Path, size: tuple[int, int]) -> None:
    """Write a header, in memory, and throw it away."""
    os.environ.setdefault("SVT_LOG", "1")  # libsvtav1 says errors only
    try:
        with av.open(io.BytesIO(), "w", format=CONTAINERS[target.suffix.lower()]) as container:
            encoder.add_stream(container, look, size=size)
            container.start_encoding()
    except (ValueError, OSError, av.error.FFmpegError) as error:
        raise ValueError(
            f"{target}: {encoder.name} cannot make {size[0]}x{size[1]} pixels in {encoder.pixel_format} for "
            f"{target.suffix} ({error}); choose another --codec, --pixel-format or suffix"
        ) from error


def _find_codec(name: str | None, suffix: str) -> Codec:
    names = (name,) if name else DEFAULT_CODECS.get(suffix, OTHER_DEFAULT_CODECS)
    for encoder in (encoder for codec in names for encoder in ENCODERS.get(codec, (codec,))):
        try:
            codec = Codec(encoder, "w")
        except UnknownCodecError:
            continue
        if codec.type == "video":
            return codec
    known = ", ".join(ENCODERS)
    raise ValueError(f"--codec: expected one of {known}, or a video encoder of this FFmpeg; got {name!r}")


def _crf_option(codec: Codec, crf: float | None) -> dict[str, str]:
    has_crf = codec.name in DEFAULT_CRFS
    if crf is not None and not has_crf:
        raise ValueError(f"--crf: {codec.name} has no constant quality; leave it out, or choose another --codec")
    return {"crf": f"{DEFAULT_CRFS[codec.name] if crf is None else crf:g}"} if has_crf else {}


def _choose_pixel_format(source: str, available: list[str], size: tuple[int, int]) -> str:
    """Keep the depth first, then the resolution of colour; what an encoder has first where it has none of these."""
    deep = "10le" if find_depth(source) > 8 else ""
    chroma = find_chroma(source)
    is_odd = size[0] % 2 or size[1] % 2
    chromas = ("444",) if is_odd else (chroma, "420")
    wanted = [f"yuv{chroma}p{depth}" for depth in (deep, "") for chroma in chromas]
    return next((name for name in wanted if name in available), available[0] if available else "yuv420p")


def find_chroma(pixel_format: str) -> str:
    """Return a pixel format's resolution of colour as it is called: 444, 422 or 420, which gray is taken for."""
    video_format = VideoFormat(pixel_format)
    if video_format.is_rgb:
        return "444"
    width, height = video_format.chroma_width(16), video_format.chroma_height(16)
    if len(video_format.components) < 3:
        return "420"
    return {(16, 16): "444", (8, 16): "422"}.get((width, height), "420")
