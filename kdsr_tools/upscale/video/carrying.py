"""What a film has beside its picture: sound, subtitles, chapters, attachments and tags, copied as they are."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from kdsr_tools.upscale.video.names import CONTAINERS
from kdsr_tools.upscale.video.reading import FilmError, find_start, find_video

# Tags that a container or its muxer writes for itself.
OWN_TAGS = ("compatible_brands", "duration", "encoder", "handler_name", "major_brand", "minor_version", "vendor_id")
KINDS = {"audio": "sound", "subtitle": "subtitles", "data": "data", "attachment": "attachment", "video": "picture"}


def choose_streams(source: InputContainer, path: Path, target: Path, *, note: Callable[[str], object]) -> list[int]:
    """Choose the streams beside the video that the result's container can hold; return their indices.

    Raises:
        FilmError: it cannot hold the sound.
    """
    video, chosen = find_video(source, path), []
    muxer = CONTAINERS[target.suffix.lower()]
    for stream in source.streams:
        if stream is video or _holds_chapters(stream, source):
            continue
        if stream.type in ("audio", "subtitle", "attachment") and _can_hold(muxer, stream):
            chosen.append(stream.index)
            continue
        what = f"{KINDS.get(stream.type, stream.type)} {_name(stream)}(stream {stream.index})"
        if stream.type == "audio":
            raise FilmError(f"{path}: {target.suffix} cannot hold the {what} as it is; let the result be .mkv")
        note(f"{target.suffix} cannot hold the {what}, which is left out" + _advise(stream, muxer))
    return chosen


def _advise(stream: Stream, muxer: str) -> str:
    can_help = stream.type in ("subtitle", "attachment") and muxer != "matroska" and _can_hold("matroska", stream)
    return "; .mkv can" if can_help else ""


def _name(stream: Stream) -> str:
    return f"{stream.codec_context.name} " if stream.codec_context is not None else ""


def _holds_chapters(stream: Stream, source: InputContainer) -> bool:
    """Return whether a stream is what MP4 keeps the names of chapters in; they are carried as chapters."""
    chapters = source.chapters()
    return stream.type == "data" and bool(chapters) and stream.frames == len(chapters)


def _can_hold(muxer: str, stream: Stream) -> bool:
    """Try it, in memory: only a header that is written shows it."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as container:
            add_copy(container, stream)
            container.start_encoding()
    except (ValueError, OSError, av.error.FFmpegError):
        return False
    return True


def add_copy(container: OutputContainer, stream: Stream) -> Stream:
    """Add a stream whose packets will be copied from another, with its language, title and disposition."""
    if isinstance(stream, av.stream.AttachmentStream):
        return container.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
    copy = container.add_stream_from_template(stream, opaque=True)
    copy.disposition = stream.disposition
    copy.metadata.update(keep_tags(stream.metadata))
    return copy


def copy_tags(container: OutputContainer, source: InputContainer) -> None:
    """Copy title, author and so on, and the chapters."""
    container.metadata.update(keep_tags(source.metadata))
    start = find_start(source)
    chapters = source.chapters()
    for chapter in chapters:
        shift = round(start / chapter["time_base"]) if chapter["time_base"] else 0
        chapter["start"], chapter["end"] = chapter["start"] - shift, chapter["end"] - shift
    if chapters:
        container.set_chapters(chapters)


def keep_tags(metadata: dict[str, str]) -> dict[str, str]:
    """Leave out the tags that describe the file rather than what is in it."""
    return {name: text for name, text in metadata.items() if not name.lower().startswith(OWN_TAGS)}


def read_packets(source: InputContainer, copies: dict[int, Stream]) -> Iterator[av.Packet]:
    """Yield the packets of the copied streams, as the file has them; `copies` by the index of the original."""
    streams = [source.streams[index] for index, copy in copies.items() if copy.type != "attachment"]
    start = find_start(source)
    packets = source.demux(streams) if streams else iter(())
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:  # a file that is cut off: said by the first reading
            return
        if packet is None:
            return
        if packet.dts is None and packet.pts is None:  # the end of a stream
            continue
        shift = round(start / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = copies[packet.stream_index]
        yield packet


def find_seconds(packet: av.Packet) -> Fraction:
    """Return the time by which packets of several streams are sorted."""
    time = packet.dts if packet.dts is not None else packet.pts
    return (time or 0) * packet.time_base
