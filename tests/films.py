"""Small films for tests, made with PyAV: moving crops of a photograph, with whatever else a film may have."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skimage.data
from av.video.reformatter import ColorRange

MILLISECONDS = Fraction(1, 1000)
SUBTITLES = "1\n00:00:00,100 --> 00:00:00,400\nHello\n\n2\n00:00:00,500 --> 00:00:00,600\nthere\n\n"
CHAPTERS = [
    {"id": 1, "start": 0, "end": 200, "time_base": MILLISECONDS, "metadata": {"title": "one"}},
    {"id": 2, "start": 200, "end": 400, "time_base": MILLISECONDS, "metadata": {"title": "two"}},
]


def moving_crops(count: int, *, size: tuple[int, int] = (24, 32), source: str = "astronaut") -> list[np.ndarray]:
    """Crops (height, width) of a photograph, each a pixel further right."""
    photograph = getattr(skimage.data, source)()
    height, width = size
    return [np.ascontiguousarray(photograph[60:][:height, 150 + shift :][:, :width]) for shift in range(count)]


def make_film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction = Fraction(25),
    colours: tuple[int, int, int, int] = (1, 1, 1, 1),
    aspect: Fraction | None = None,
    rotation: int | None = None,
    sound: str | None = None,
    subtitles: str | None = None,
    chapters: bool = False,
    title: str | None = None,
    options: dict[str, str] | None = None,
    muxer: str | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a film; `colours` are range, primaries, transfer and matrix, `sound` and `subtitles` codecs."""
    with av.open(str(path), "w", format=muxer, options=container_options or {}) as container:
        video = container.add_stream(codec, rate=rate, options=options or {"crf": "4"} if "264" in codec else options)
        context = video.codec_context
        context.height, context.width = frames[0].shape[:2]
        context.pix_fmt, context.time_base = pixel_format, time_base
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = colours
        if aspect:
            context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        video.metadata["language"] = "deu"
        audio = _add_sound(container, sound) if sound else None
        text = _open_subtitles() if subtitles else None
        copy = container.add_stream_from_template(text.streams[0]) if text else None
        if copy is not None:
            copy.metadata["language"] = "fra"
        if title:
            container.metadata["title"] = title
        if chapters:
            container.set_chapters(CHAPTERS)
        for number, pixels in enumerate(frames):
            frame = _to_frame(pixels, pixel_format, colours)
            frame.time_base, frame.pts = time_base, number if times is None else times[number]
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            _write_sound(container, audio)
        if text is not None:
            for packet in text.demux():
                if packet.dts is not None:
                    packet.stream = copy
                    container.mux(packet)
    return path


def _to_frame(pixels: np.ndarray, pixel_format: str, colours: tuple[int, int, int, int]) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.dtype == np.uint8 else "rgb48le")
    if pixel_format == "rgb24":
        return frame
    matrix = {6: 5, 2: None}.get(colours[3], colours[3])
    limited = colours[0] or ColorRange.MPEG
    return frame.reformat(format=pixel_format, dst_colorspace=matrix, src_color_range=2, dst_color_range=limited)


def _add_sound(container, codec: str):
    audio = container.add_stream(codec, rate=16000)
    audio.layout = "mono"
    audio.metadata["language"] = "eng"
    return audio


def _write_sound(container, audio) -> None:
    noise = np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32) / 10
    kind = audio.format.name
    samples = noise if kind.startswith("flt") else (noise * 32767).astype(np.int16)
    for start in range(0, samples.shape[1], 1000):
        frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1000], format=kind, layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def _open_subtitles():
    return av.open(io.BytesIO(SUBTITLES.encode()), format="srt")


def read_times(path: Path) -> list[Fraction]:
    """Return when each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def read_frames(path: Path) -> list[np.ndarray]:
    """Return the frames as RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read_packets(path: Path, kind: str) -> list[tuple[Fraction, Fraction | None, bytes]]:
    """Return time, duration and content of the packets of all streams of a kind."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        packets = [packet for packet in container.demux(streams) if packet.dts is not None]
        return [(p.pts * p.time_base, (p.duration or 0) * p.time_base, bytes(p)) for p in packets]
