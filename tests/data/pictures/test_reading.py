"""The one reader: every kind of the corpus gives the pixels that it shows."""

import numpy as np
import pytest
from picture_corpus import make_corpus

from kdsr_data.pictures import decode_picture, picture_size

CORPUS = make_corpus()


@pytest.mark.parametrize("name", CORPUS)
def test_every_kind_gives_its_pixels(name):
    kind = CORPUS[name]
    picture = decode_picture(kind.content, name)
    assert picture.pixels.dtype == kind.shown.dtype
    np.testing.assert_allclose(picture.pixels.astype(int), kind.shown.astype(int), atol=kind.tolerance)
    assert picture.pixels.flags["C_CONTIGUOUS"]
    assert picture.pixels.flags["WRITEABLE"]


@pytest.mark.parametrize("name", CORPUS)
def test_the_size_is_read_off_the_header(name):
    assert picture_size(CORPUS[name].content, name) == CORPUS[name].shown.shape[:2]
