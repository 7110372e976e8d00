"""Parts to a film: their packets get the source's times, and what is copied from it goes between them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from av.stream import Stream

from kdsr_tools.files import write_then_rename
from kdsr_tools.upscale.video.carrying import add_copy, copy_tags, find_seconds, keep_tags, read_packets
from kdsr_tools.upscale.video.encoding import Encoder
from kdsr_tools.upscale.video.names import CONTAINERS
from kdsr_tools.upscale.video.parts import PART_FRAMES, Parts, count_parts
from kdsr_tools.upscale.video.plan import Plan
from kdsr_tools.upscale.video.reading import find_start, find_video, open_film


def join_parts(
    parts: Parts, plan: Plan, encoder: Encoder, source: Path, *, streams: Sequence[int], size: tuple[int, int]
) -> None:
    """Write the film, whole or not at all.

    Args:
        streams: indices of the source's streams that are copied.
        size: width and height of the result.
    """
    target = parts.target
    muxer = CONTAINERS[target.suffix.lower()]
    with (
        write_then_rename(target) as temporary,
        temporary.open("wb", buffering=0) as file,
        open_film(source) as original,
        av.open(file, "w", format=muxer) as container,
    ):
        video = encoder.add_stream(container, plan.look, size=size)
        video.codec_context.time_base = plan.look.time_base
        if plan.look.display_matrix is not None:
            video.set_display_matrix(plan.look.display_matrix)
        source_video = find_video(original, source)
        video.metadata.update(keep_tags(source_video.metadata))
        copies = {index: add_copy(container, original.streams[index]) for index in streams}
        copy_tags(container, original)
        container.start_encoding()
        shift = round(find_start(original) / plan.look.time_base)
        timeline = Timeline.of(parts, [time - shift for time in plan.times])
        packets = heapq.merge(
            _read_video(parts, plan, timeline, video), read_packets(original, copies), key=find_seconds
        )
        for packet in packets:
            container.mux(packet)


@dataclass(frozen=True)
class Timeline:
    """Times of the result's packets.

    Args:
        times: of each frame, in order of display, and where the last one ends; in ticks.
        delay: packets that a decoder must have before it can show the first frame.
    """

    times: Sequence[int]
    delay: int

    @classmethod
    def of(cls, parts: Parts, times: Sequence[int]) -> Timeline:
        """Find the delay, by going through all parts."""
        num_parts = count_parts(len(times) - 1)
        orders = (_read_part(parts, number) for number in range(num_parts))
        return cls(times, max(place - shown for order in orders for place, (shown, _) in enumerate(order)))

    def find_dts(self, place: int) -> int:
        """Return the time at which to decode the packet at this place in the file: `delay` frames before it is
        shown."""
        if place >= self.delay:
            return self.times[place - self.delay]
        shortest = (
            min(after - before for before, after in itertools.pairwise(self.times[:-1])) if len(self.times) > 2 else 1
        )
        return self.times[0] - (self.delay - place) * shortest


def _read_video(parts: Parts, plan: Plan, timeline: Timeline, stream: Stream) -> Iterator[av.Packet]:
    for number in range(count_parts(plan.num_frames)):
        first = number * PART_FRAMES
        for place, (shown, packet) in enumerate(_read_part(parts, number)):
            packet.time_base = plan.look.time_base
            packet.pts = timeline.times[first + shown]
            packet.dts = timeline.find_dts(first + place)
            packet.duration = timeline.times[first + shown + 1] - packet.pts
            packet.stream = stream
            yield packet


def _read_part(parts: Parts, number: int) -> list[tuple[int, av.Packet]]:
    """Return a part's packets as they are stored, each with its number in order of display.

    Raises:
        ValueError: frames are missing.
    """
    path = parts.path(number)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    numbers = {pts: shown for shown, pts in enumerate(sorted(packet.pts or 0 for packet in packets))}
    if len(numbers) != len(packets) or not packets:
        raise ValueError(f"{path}: the part is damaged; remove it, and run the command again")
    return [(numbers[packet.pts or 0], packet) for packet in packets]
