"""Reading films: every frame once, in order of display, with its time; damaged ones are marked, not lost."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

# What a stream that tells nothing is taken for.
DEFAULT_RATE = Fraction(25)
# Containers whose headers tell the duration; it is guessed from bit rates elsewhere.
KEEPS_DURATION = ("matroska", "mp4")
# Seconds that a header may promise beyond the last packet: it is rounded, and sound may end within a packet.
DURATION_TOLERANCE = 0.25
# Clocks of broadcasts, which begin anywhere.
FREE_CLOCKS = ("mpegts", "mpeg")
ENCRYPTED_TAGS = ("encv", "enca")


class FilmError(ValueError):
    """A film that cannot be upscaled; the message begins with its path."""


@dataclass
class ReadFrame:
    """A frame, or None where it could not be decoded; `time` in ticks of the stream's time base."""

    time: int
    frame: VideoFrame | None
    is_damaged: bool


class FilmReader:
    """A film that is open for reading; iterating gives `ReadFrame`s in order of display.

    After the last frame, `end` is where it stops being shown, in ticks, and `missing` says what a cut-off file lacks.

    Raises:
        FilmError: there is no film in the file, or none that can be decoded.
    """

    def __init__(self, path: Path):
        self.path = path
        self.container = open_film(path)
        try:
            self.stream = find_video(self.container, path)
        except FilmError:
            self.container.close()
            raise
        # Of one frame: threads that work on several tell late what was damaged.
        self.stream.thread_type = "SLICE"
        self.end = 0
        self.missing = ""
        self._last_time: int | None = None
        self._lost: list[int] = []  # a heap of the times of packets that could not be decoded
        self._num_packets = 0
        self._reached = Fraction(0)

    def __enter__(self) -> FilmReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.container.close()

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return self.stream.average_rate or self.stream.guessed_rate or DEFAULT_RATE

    @property
    def time_base(self) -> Fraction:
        """Seconds of a tick."""
        return self.stream.time_base or 1 / self.rate

    @property
    def step(self) -> int:
        """Ticks from one frame to the next where nothing else tells."""
        return max(round(1 / (self.rate * self.time_base)), 1)

    def __iter__(self) -> Iterator[ReadFrame]:
        for packet in self._demux():
            if packet.stream_index != self.stream.index:
                continue
            self._num_packets += packet.size > 0
            try:
                frames = self.stream.decode(packet)
            except av.error.FFmpegError:  # damaged, or what this decoder does not support
                self._refuse_encrypted(packet)
                if packet.pts is not None:
                    heapq.heappush(self._lost, packet.pts)
                continue
            for frame in frames:
                yield from self._give(frame)
        yield from self._give_lost(before=None)
        self._find_end()

    def _demux(self) -> Iterator[av.Packet]:
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                self.missing = f"cannot be read further ({error.strerror})"
                yield from self._flush()
                return
            if packet.pts is not None and packet.time_base:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                self._reached = max(self._reached, end)
            yield packet

    def _flush(self) -> Iterator[av.Packet]:
        """Yield the empty packet that asks the decoder for what it still holds."""
        packet = av.Packet()
        packet.stream = self.stream
        yield packet

    def _give(self, frame: VideoFrame) -> Iterator[ReadFrame]:
        time = frame.pts if frame.pts is not None else frame.dts
        if time is not None:
            yield from self._give_lost(before=time)
        self.end = self._advance(time) + (frame.duration or self.step)
        yield ReadFrame(self._last_time or 0, frame, frame.is_corrupt)

    def _give_lost(self, *, before: int | None) -> Iterator[ReadFrame]:
        while self._lost and (before is None or self._lost[0] < before):
            time = self._advance(heapq.heappop(self._lost))
            self.end = time + self.step
            yield ReadFrame(time, None, True)

    def _advance(self, time: int | None) -> int:
        """Return the time itself or, where it is missing or not after the last frame's, the next that can be."""
        if self._last_time is None:
            self._last_time = time or 0
        elif time is None:
            self._last_time += self.step
        else:
            self._last_time = max(time, self._last_time + 1)
        return self._last_time

    def _find_end(self) -> None:
        """Take the end and the number of frames that the header promises; find out whether the file was cut off."""
        stream, kinds = self.stream, self.container.format.name
        if stream.frames > self._num_packets > 0:
            self.missing = f"the file is cut off: {self._num_packets} of {stream.frames} frames are there"
        elif not self.missing and self.container.duration and any(kind in kinds for kind in KEEPS_DURATION):
            promised = Fraction(self.container.duration, av.time_base)
            if self._reached + Fraction(DURATION_TOLERANCE) < promised:
                reached = float(self._reached)
                self.missing = f"the file is cut off: {reached:.1f} of {float(promised):.1f} seconds are there"
        if not self.missing and "mp4" in kinds and stream.duration and self._last_time is not None:
            promised_end = (stream.start_time or 0) + stream.duration
            self.end = promised_end if promised_end > self._last_time else self.end

    def _refuse_encrypted(self, packet: av.Packet) -> None:
        if packet.has_sidedata("encryption_info") or packet.has_sidedata("encryption_init_info"):
            raise FilmError(f"{self.path}: the film is encrypted (DRM), which cannot be upscaled")


def without_gaps(frames: Iterator[ReadFrame]) -> Iterator[VideoFrame]:
    """Yield each frame, and in the place of a damaged one the last good one, or at the beginning the first."""
    last, gaps = None, 0
    for read in frames:
        if read.frame is not None and (not read.is_damaged or last is None):
            last = read.frame
            while gaps:
                yield last
                gaps -= 1
            yield last
        elif last is None:
            gaps += 1
        else:
            yield last


def find_video(container: InputContainer, path: Path) -> VideoStream:
    """Return a film's first video stream that is no cover picture."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise FilmError(f"{path}: there is no video in this file")
    stream = streams[0]
    if stream.codec_context is None:
        raise FilmError(f"{path}: the video's codec is unknown to this FFmpeg; convert the film to another codec first")
    if stream.codec_tag in ENCRYPTED_TAGS:
        raise FilmError(f"{path}: the film is encrypted (DRM), which cannot be upscaled")
    return stream


def find_start(container: InputContainer) -> Fraction:
    """Return the seconds that are taken off all times: where a broadcast's clock begins; 0 elsewhere."""
    if container.format.name not in FREE_CLOCKS or not container.start_time:
        return Fraction(0)
    return Fraction(container.start_time, av.time_base)


def find_display_matrix(frame: VideoFrame) -> list[int] | None:
    """Return the nine numbers that say how a frame is turned and flipped for display."""
    if "DISPLAYMATRIX" not in frame.side_data:
        return None
    return list(array("i", bytes(frame.side_data["DISPLAYMATRIX"])))  # type: ignore[typeddict-item]


def open_film(path: Path) -> InputContainer:
    """Open a film for reading; FilmError where that fails."""
    if path.is_file() and path.stat().st_size == 0:
        raise FilmError(f"{path}: the file is empty")
    try:
        return av.open(str(path), metadata_errors="replace")
    except av.error.EOFError as error:
        raise FilmError(f"{path}: it has no frames") from error
    except av.error.InvalidDataError as error:
        raise FilmError(
            f"{path}: not a film of a known format, or cut off before its index ({error.strerror})"
        ) from error
    except (OSError, av.error.FFmpegError) as error:
        raise FilmError(f"{path}: cannot be read ({error.strerror})") from error
