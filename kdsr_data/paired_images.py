"""The check of BasicSR's `PairedImageDataset`, which stops at pairs that do not fit in the middle of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kdsr_data.image_io import ImageReadError, decode_image, image_size
from kdsr_data.pictures.reading import read_orientation
from kdsr_data.pictures.stored import turn_upright
from kdsr_options.schema import OptionError, Problem, join_path

# How many pairs the check looks at, spread over the whole set.
LOOKED_AT = 9


def check_pairs(opt: Mapping[str, Any], path: str) -> None:
    """Check that the GT and LQ folders of a block hold pairs; lists and LMDBs are left to BasicSR.

    Raises:
        OptionError: an image without a partner, or a GT that is not `scale` times as large as its LQ.
    """
    is_folder = (opt.get("io_backend") or {}).get("type", "disk") == "disk" and not opt.get("meta_info_file")
    given = [opt.get(key) for key in ("dataroot_gt", "dataroot_lq")]
    roots = [Path(root) for root in given if isinstance(root, str) and Path(root).is_dir()]
    if not is_folder or len(roots) < len(given):
        return
    problems = [Problem(join_path(path, "dataroot_lq"), message) for message in _find_misfits(opt, *roots)]
    if problems:
        raise OptionError(problems)


def _find_misfits(opt: Mapping[str, Any], gt_root: Path, lq_root: Path) -> Iterator[str]:
    template = str(opt.get("filename_tmpl", "{}"))
    partners = {gt.name: f"{template.format(gt.stem)}{gt.suffix}" for gt in _list_files(gt_root)}
    present = {lq.name for lq in _list_files(lq_root)}
    lonely = [name for name in sorted(partners) if partners[name] not in present]
    surplus = sorted(present - set(partners.values()))
    if lonely:
        yield f"{lq_root / partners[lonely[0]]} is missing, the partner of {gt_root / lonely[0]} ({len(lonely)} such)"
    if surplus:
        yield f"{lq_root / surplus[0]} has no GT in {gt_root} ({len(surplus)} such)"
    if lonely or surplus or not partners or not isinstance(opt.get("scale"), int):
        return
    for number in sorted(set(np.linspace(0, len(partners) - 1, num=LOOKED_AT, dtype=int))):
        gt_name = sorted(partners)[number]
        if misfit := _compare_sizes(gt_root / gt_name, lq_root / partners[gt_name], scale=opt.get("scale")):
            yield misfit
            return


def _list_files(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_file() and not path.name.startswith(".")]


def _compare_sizes(gt: Path, lq: Path, *, scale: Any) -> str | None:
    try:
        contents = [path.read_bytes() for path in (gt, lq)]
        sizes = [image_size(content, str(path)) for content, path in zip(contents, (gt, lq), strict=True)]
        (gt_height, gt_width), (height, width) = sizes
        if (gt_height, gt_width) != (scale * height, scale * width):
            return f"{gt} has {gt_height}x{gt_width} pixels, which is not {scale} times {lq} with {height}x{width}"
        orientations = [read_orientation(content, str(path)) for content, path in zip(contents, (gt, lq), strict=True)]
        return None if orientations[0] == orientations[1] else _compare_turns(gt, lq)
    except (ImageReadError, OSError) as error:
        return str(error)


def _compare_turns(gt: Path, lq: Path) -> str | None:
    """Find out whether a pair, one of which is turned as its EXIF block says, shows the same way up."""
    gray = [cv2.cvtColor(decode_image(path.read_bytes(), str(path)), cv2.COLOR_RGB2GRAY) for path in (gt, lq)]
    small = cv2.resize(gray[0], gray[1].shape[::-1], interpolation=cv2.INTER_AREA)
    # The pair as it is, and as it would be if one of the two were not turned.
    turns = [turn_upright(small[..., None], number)[..., 0] for number in range(1, 9)]
    errors = [np.abs(turn - gray[1]).mean() if turn.shape == gray[1].shape else np.inf for turn in turns]
    if errors[0] <= min(errors):
        return None
    return f"{gt} and {lq} do not show the same way up: the EXIF orientation of one was lost; make LQ anew"
