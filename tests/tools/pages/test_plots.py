"""Plots inside the page: in its colours, readable by screen readers."""

import re

from kdsr_tools.pages.plots import INK, SERIES, draw_lines, draw_svg


def test_colours_are_the_pages_variables():
    lines = {f"<model {number}>": ([1, 2], [number, 3]) for number in range(10)}
    svg = draw_svg(draw_lines(lines, x_label="σ", y_label="PSNR"), label='a "label"')
    assert svg.startswith('<svg role="img" aria-label="a &quot;label&quot;"')
    assert "var(--s1)" in svg and "var(--s8)" in svg and "var(--ink-2)" in svg
    assert not [colour for colour in (INK, *SERIES) if colour in svg]
    assert "&lt;model 3&gt;" in svg
    assert not re.search(r'<svg [^>]*\bwidth="', svg)
