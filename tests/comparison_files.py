"""Images, weights and option file of a small comparison, for tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import skimage.data
import torch
import yaml
from basicsr.utils.registry import ARCH_REGISTRY
from option_files import SMALL_NETWORKS
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from kdsr_arch import KDSRStudent
from kdsr_data.presets import make_case
from kdsr_tools.compare.costs import Cost
from kdsr_tools.compare.models import ComparedModel
from kdsr_tools.compare.report import Report, SetResults
from kdsr_tools.compare.runner import Plan
from kdsr_tools.compare.settings import CompareSettings
from kdsr_tools.compare.store import Item, ItemName
from kdsr_tools.compare.summary import Scores

WIDE = 24  # LQ pixels


@ARCH_REGISTRY.register()
class FailsOnWideImages(nn.Module):
    """A network for tests: enlarges small images by repeating pixels, and raises on wide ones."""

    def __init__(self, scale: int = 4):
        super().__init__()
        self.scale = scale
        self.brightness = nn.Parameter(torch.zeros(1))

    def forward(self, lq: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 3, sH, sW)."""
        if lq.shape[-1] >= WIDE:
            raise RuntimeError(f"wider than {WIDE} pixels")
        return F.interpolate(lq, scale_factor=self.scale) + self.brightness


def write_photographs(folder: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    """Write parts of a photograph by name and size (height, width)."""
    folder.mkdir(parents=True)
    for number, (name, (height, width)) in enumerate(sizes.items()):
        part = skimage.data.astronaut()[40 + 8 * number :, 160 + 16 * number :][:height, :width]
        Image.fromarray(part).save(folder / f"{name}.png")
    return folder


def write_models(folder: Path) -> None:
    """Write a student's weights, the failing network's, and an experiment of BasicSR's."""
    torch.manual_seed(0)
    student = KDSRStudent(4, **SMALL_NETWORKS["KDSRStudent"])
    torch.save({"params": student.state_dict()}, folder / "student.pth")
    torch.save(FailsOnWideImages().state_dict(), folder / "failing.pth")
    experiment = folder / "experiment"
    (experiment / "models").mkdir(parents=True)
    options = {"scale": 4, "network_g": {"type": "KDSRStudent", **SMALL_NETWORKS["KDSRStudent"]}}
    text = 'kdsr_version: !!python/name:kdsr_model.__version__ ""\n' + yaml.safe_dump(options)
    (experiment / "train.yml").write_text(text)
    for name in ("net_g_100.pth", "net_g_latest.pth"):
        torch.save({"params": student.state_dict()}, experiment / "models" / name)


def compare_options(folder: Path) -> dict:
    """Return the option file of the small comparison."""
    return {
        "title": "Small comparison",
        "scale": 4,
        "output": str(folder / "out"),
        "models": {
            "bicubic": {"bicubic": True},
            "student": {"weights": str(folder / "student.pth")},
            "<failing>": {"weights": str(folder / "failing.pth"), "network": {"type": "FailsOnWideImages"}},
        },
        "data": {
            "Set5": {"dataroot_gt": str(folder / "gt"), "preset": "gaussian8"},
            "noisy": {"dataroot_gt": str(folder / "gt"), "settings": [{"sigma": 1, "noise_sigma_255": 20}]},
            "real": {"dataroot_lq": str(folder / "real")},
        },
        "metrics": ["psnr", "ssim", "niqe"],
        "cost": {"lq_size": [8, 8], "rounds": 1, "memory": False},
        "shown": {"images": 2, "settings": 3, "crop_size": 32},
        "idr": {"number": 40},
    }


def write_option_file(folder: Path, options: dict) -> Path:
    """Write the option file of a comparison."""
    path = folder / "compare.yml"
    path.write_text(yaml.safe_dump(options, sort_keys=False))
    return path


def write_comparison(folder: Path) -> Path:
    """Write all that the small comparison needs; return its option file."""
    write_photographs(folder / "gt", {"a": (72, 80), "b": (64, 88), "wide": (64, 112)})
    write_photographs(folder / "real", {"street": (50, 40)})
    write_models(folder)
    return write_option_file(folder, compare_options(folder))


def make_report() -> Report:
    """Make what a comparison of two models on two images in two cases finds, without running one.

    `ours` is 1 dB better everywhere, but fails on image b in the second case.
    """
    cases = [make_case({"sigma": sigma, "noise_sigma_255": 0}, scale=4) for sigma in (1.8, 3.2)]
    image_set = SimpleNamespace(name="Set5", images=["a", "b"], cases=cases, has_gt=True)
    models = [ComparedModel("base", "bicubic", None, "1"), ComparedModel("ours", "a <network>", None, "2")]
    items = []
    for image, case in ((image, case) for image in image_set.images for case in cases):
        psnr = 30.0 if image == "a" else 25.0
        name = ItemName("base", "Set5", case.label, image)
        items.append(Item(name, "key", {"psnr": psnr}))
        fails = image == "b" and case is cases[1]
        name = ItemName("ours", "Set5", case.label, image)
        items.append(Item(name, "key", {} if fails else {"psnr": psnr + 1}, "broken" if fails else None))
    block = {"dataroot_gt": "x", "preset": "gaussian8"}
    blocks = {"base": {"bicubic": True}, "ours": {"weights": "x.pth"}}
    settings = CompareSettings(title="T", scale=4, output="x", models=blocks, data={"Set5": block})
    costs = {"base": Cost(None, None, 0.05, None), "ours": Cost(5_795_075, 24.5, 1.25, 300.4)}
    results = SetResults(Plan(image_set, ["psnr"], [0], [0]), Scores(items), [])
    return Report(settings, models, [results], costs, "CPU, 1 threads", ["a note"])
