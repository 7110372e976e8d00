"""Plots inside the page: in its colours, readable by screen readers."""

import re

import numpy as np

from kdsr_tools.compare.image_sets import Setting
from kdsr_tools.pages.plots import INK, SERIES, blur_width, draw_lines, draw_svg, noise_level


def test_colours_are_the_pages_variables():
    lines = {f"<model {number}>": ([1, 2], [number, 3]) for number in range(10)}
    svg = draw_svg(draw_lines(lines, x_label="σ", y_label="PSNR"), label='a "label"')
    assert svg.startswith('<svg role="img" aria-label="a &quot;label&quot;"')
    assert "var(--s1)" in svg and "var(--s8)" in svg and "var(--ink-2)" in svg
    assert not [colour for colour in (INK, *SERIES) if colour in svg]
    assert "&lt;model 3&gt;" in svg
    assert not re.search(r'<svg [^>]*\bwidth="', svg)


def test_blur_and_noise_are_read_off_settings():
    classic = {"type": "ClassicDegradation"}
    assert blur_width(Setting("", {**classic, "sigma": 1.8})) == 1.8
    assert np.isclose(blur_width(Setting("", {**classic, "lambda1": 4.0, "lambda2": 1.0})), 2)
    assert blur_width(Setting("", {**classic, "sigma": [1, 2]})) is None
    assert noise_level(Setting("", {**classic, "noise_sigma_255": 10})) == 10
    assert noise_level(Setting("", classic)) == 0
    assert noise_level(Setting("", {"type": "SecondOrderDegradation"})) is None
