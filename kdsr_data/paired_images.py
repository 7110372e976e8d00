"""The check of BasicSR's `PairedImageDataset`, which stops at pairs that do not fit in the middle of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kdsr_data.image_io import ImageReadError, image_size
from kdsr_options.schema import OptionError, Problem, join_path

# How many pairs the check looks at, spread over the whole set.
LOOKED_AT = 9


def check_pairs(opt: Mapping[str, Any], path: str) -> None:
    """Check that the GT and LQ folders of a block hold pairs; lists and LMDBs are left to BasicSR.

    Raises:
        OptionError: an image without a partner, or a GT that is not `scale` times as large as its LQ.
    """
    is_folder = (opt.get("io_backend") or {}).get("type", "disk") == "disk" and not opt.get("meta_info_file")
    roots = [opt.get(key) for key in ("dataroot_gt", "dataroot_lq")]
    if not is_folder or not all(isinstance(root, str) and Path(root).is_dir() for root in roots):
        return
    problems = [Problem(join_path(path, "dataroot_lq"), message) for message in _find_misfits(opt, *map(Path, roots))]
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
        (gt_height, gt_width), (height, width) = (image_size(path.read_bytes(), str(path)) for path in (gt, lq))
    except (ImageReadError, OSError) as error:
        return str(error)
    if (gt_height, gt_width) == (scale * height, scale * width):
        return None
    return f"{gt} has {gt_height}x{gt_width} pixels, which is not {scale} times {lq} with {height}x{width}"
