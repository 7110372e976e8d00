"""PNG chunk by chunk: what is found, what is left to the decoders, and what damage costs."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from kdsr_data.pictures.picture import Unusable
from kdsr_data.pictures.png import StoredPng, insert_chunks, list_chunks, make_chunk


@pytest.fixture
def content(photograph):
    """A plain PNG of 8 bits."""
    file = io.BytesIO()
    Image.fromarray(photograph[:6, :9]).save(file, "PNG")
    return file.getvalue()


def names(content):
    return [chunk.name for chunk in list_chunks(content)]


def test_chunks_lie_one_behind_the_other(content):
    chunks = list(list_chunks(content))
    assert [chunk.name for chunk in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    assert (chunks[0].start, chunks[-1].end) == (8, len(content))
    assert all(before.end == after.start for before, after in zip(chunks, chunks[1:], strict=False))
    assert struct.unpack(">II", chunks[0].body[:8]) == (9, 6)


def test_a_torn_file_has_the_chunks_before_the_tear(content):
    assert names(content[:-5]) == [b"IHDR", b"IDAT"]
    assert names(content[:8]) == []


def test_inserted_chunks_come_behind_the_header(content, photograph):
    longer = insert_chunks(content, [(b"tEXt", b"Title\0sea"), (b"gAMA", struct.pack(">I", 45455))])
    assert names(longer) == [b"IHDR", b"tEXt", b"gAMA", b"IDAT", b"IEND"]
    picture = StoredPng(longer).decode()
    np.testing.assert_array_equal(picture.pixels, photograph[:6, :9])
    assert picture.metadata.text_chunks == ((b"tEXt", b"Title\0sea"),)
    assert picture.metadata.colour_chunks == ((b"gAMA", struct.pack(">I", 45455)),)


def test_a_chunk_whose_checksum_does_not_fit_says_nothing(content, photograph):
    spoilt = bytearray(make_chunk(b"pHYs", struct.pack(">IIB", 3937, 3937, 1)))
    whole = content[:33] + bytes(spoilt) + content[33:]
    assert StoredPng(whole).decode().metadata.dpi == (100.0, 100.0)
    spoilt[9] ^= 1
    picture = StoredPng(content[:33] + bytes(spoilt) + content[33:]).decode()
    assert picture.metadata.dpi is None
    np.testing.assert_array_equal(picture.pixels, photograph[:6, :9])


def test_without_a_header_it_is_no_picture(content):
    with pytest.raises(Unusable, match="the PNG's header is missing"):
        StoredPng(content[:8] + content[33:])
