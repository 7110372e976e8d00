"""What a film has beside its picture is copied, shifted with it, or named as lost."""

from __future__ import annotations

import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'kdsr[video]'")

from films import make_film, moving_crops, read_packets, read_times  # noqa: E402
from option_files import save_student  # noqa: E402

from kdsr_tools import Upscaler  # noqa: E402


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "net.pth"
    save_student(path)
    return Upscaler.from_checkpoint(path, device="cpu")


def test_a_broadcast_begins_at_zero_with_its_sound(tmp_path, upscaler):
    source = make_film(tmp_path / "a.ts", moving_crops(8), sound="mp2")
    upscaler.video(source, tmp_path / "b.mkv")
    before, after = read_times(source), read_times(tmp_path / "b.mkv")
    shift = before[0] - after[0]
    assert shift > 0 and 0 <= after[0] < 0.1
    assert [float(time - shift) for time in before] == pytest.approx([float(time) for time in after], abs=1e-3)
    sounds = [[p[0] for p in read_packets(path, "audio")] for path in (source, tmp_path / "b.mkv")]
    assert [float(time - shift) for time in sounds[0]] == pytest.approx([float(t) for t in sounds[1]], abs=1e-3)
    assert [p[2] for p in read_packets(source, "audio")] == [p[2] for p in read_packets(tmp_path / "b.mkv", "audio")]


def test_attachments_are_copied_to_matroska_and_named_elsewhere(tmp_path, upscaler):
    plain = make_film(tmp_path / "plain.mkv", moving_crops(2))
    with av.open(str(tmp_path / "a.mkv"), "w") as container, av.open(str(plain)) as source:
        copy = container.add_stream_from_template(source.streams.video[0], opaque=True)
        container.add_attachment("font.ttf", "font/ttf", b"a font")
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None or packet.size:
                packet.stream = copy
                container.mux(packet)
    assert upscaler.video(tmp_path / "a.mkv", tmp_path / "b.mkv").notes == ()
    with av.open(str(tmp_path / "b.mkv")) as container:
        attachments = [stream for stream in container.streams if stream.type == "attachment"]
        assert [(stream.name, stream.mimetype, stream.data) for stream in attachments] == [
            ("font.ttf", "font/ttf", b"a font")
        ]
    notes = upscaler.video(tmp_path / "a.mkv", tmp_path / "b.mp4").notes
    assert len(notes) == 1 and ".mp4 cannot hold the attachment" in notes[0] and notes[0].endswith("; .mkv can")
