"""The option file of `kdsr compare`: which models, which images, which figures, and what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from kdsr_data.dataset_settings import check_benchmark
from kdsr_data.image_source import find_io_backend
from kdsr_data.presets import PRESETS, Preset
from kdsr_options.files import read_option_file
from kdsr_options.modules import import_own_modules
from kdsr_options.schema import OptionError, Problem, Range, Settings, Within, collect, join_path, read_settings

Metric = Literal["psnr", "ssim", "lpips", "lpips_vgg", "colour", "niqe"]
Device = Literal["auto", "cpu", "cuda"]
NEED_GT = ("psnr", "ssim", "lpips", "lpips_vgg", "colour")
# The block of a BlindSRBenchmarkDataset has these, that of paired images or real photographs has not.
BENCHMARK_KEYS = ("preset", "noise_levels", "sigma_range", "settings")


class ComparedModelSettings(Settings):
    """One model: `bicubic: true`, or a finished `experiment`'s folder, or `weights` (a file, or a model that ships).

    For networks that cannot be told from their weights, `options` (an option file with their `network_g`) or `network`
    (that block itself) says what to build. `teacher` is the checkpoint a KDSR student learned from, for the IDR view.
    `sharpness` mixes shipped weights with those of the model's pair, as `kdsr upscale --sharpness`.
    `sees_gt: true` admits a KDSR teacher, which is given the original beside the LQ image: a bound, not a competitor.
    """

    bicubic: bool = False
    experiment: Path | None = None
    weights: Path | None = None
    options: Path | None = None
    network: dict[str, Any] | None = None
    teacher: Path | None = None
    sharpness: float | None = Field(default=None, ge=0, le=1)
    sees_gt: bool = False

    @model_validator(mode="after")
    def _check_kind(self):
        given = [name for name in ("bicubic", "experiment", "weights") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give one of bicubic: true, experiment, weights; got {', '.join(given) or 'none'}")
        if (self.options or self.network) and not self.weights:
            raise ValueError("options and network belong to weights; an experiment has its own option file")
        if self.options and self.network:
            raise ValueError("give either options (a file) or network (a block), not both")
        if self.sharpness is not None and (not self.weights or self.options or self.network or self.sees_gt):
            raise ValueError("sharpness belongs to weights of a model that has a sharp one made from it")
        if self.sees_gt and (self.bicubic or self.options or self.network):
            raise ValueError("sees_gt belongs to a KDSR teacher's experiment or weights, which tell its size")
        return self


class ImagesSettings(Settings):
    """One set of images. With `dataroot_gt` alone, LQ is made by `preset` or `settings` as `BlindSRBenchmarkDataset`
    does; with `dataroot_lq` too, the two are paired by name; with `dataroot_lq` alone, there is no GT to compare with.

    Folders, or LMDBs whose names end in `.lmdb`. `filename_tmpl` turns a GT name into an LQ name, as `{}x4`.
    """

    dataroot_gt: str | None = None
    dataroot_lq: str | None = None
    filename_tmpl: str = "{}"
    meta_info: str | None = None
    preset: Preset | None = None
    noise_levels: list[float] | None = None
    sigma_range: Annotated[Range, Within(0, 20)] | None = None
    settings: list[dict[str, Any]] | None = None
    metrics: list[Metric] | None = None

    @model_validator(mode="after")
    def _check_kind(self):
        made = [key for key in BENCHMARK_KEYS if getattr(self, key) is not None]
        if self.dataroot_gt is None and self.dataroot_lq is None:
            raise ValueError("give dataroot_gt, dataroot_lq, or both")
        if self.dataroot_lq is not None and made:
            raise ValueError(f"{', '.join(made)}: LQ images are there already (dataroot_lq), none are made")
        if self.dataroot_lq is None and self.preset is None and self.settings is None:
            raise ValueError(f"no LQ images: give preset ({', '.join(PRESETS)}), settings, or dataroot_lq")
        if "{}" not in self.filename_tmpl:
            raise ValueError(f"filename_tmpl: expected a name with {{}} in it, got {self.filename_tmpl!r}")
        if self.dataroot_gt is None and (needing := [m for m in self.metrics or () if m in NEED_GT]):
            raise ValueError(f"metrics: {', '.join(needing)} need GT, and there is no dataroot_gt; choose niqe")
        return self

    def benchmark_block(self, name: str, *, scale: int) -> dict[str, Any]:
        """Return the options of the `BlindSRBenchmarkDataset` that makes the LQ images."""
        if self.dataroot_gt is None:
            raise ValueError(f"data.{name}.dataroot_gt: expected the images to make LQ from, got none")
        block: dict[str, Any] = {"type": "BlindSRBenchmarkDataset", "name": name, "phase": "test", "scale": scale}
        block |= {"dataroot_gt": self.dataroot_gt, "io_backend": find_io_backend(self.dataroot_gt)}
        own = {key: getattr(self, key) for key in (*BENCHMARK_KEYS, "meta_info") if getattr(self, key) is not None}
        return block | own


class LPIPSWeights(Settings):
    """The files with the convolutions of LPIPS's networks, as torchvision publishes them; None: torch's cache."""

    alex: Path | None = None
    vgg: Path | None = None


class CostSettings(Settings):
    """How time and memory are measured: on an LQ image of `lq_size` (height, width), in so many interleaved rounds."""

    lq_size: tuple[int, int] = (180, 320)  # as the paper's table
    rounds: int = Field(default=5, ge=1)
    memory: bool = True


class ShownSettings(Settings):
    """What of each image set is shown, evenly spread: `images`, `settings`; the rest is measured only.

    `quality` is WebP's (1 to 100) for whole pictures, or `lossless`; crops are always lossless, of `crop_size` pixels.
    The quality goes down where the pictures would take more than `most_megabytes`.
    """

    images: int = Field(default=14, ge=1)
    settings: int = Field(default=8, ge=1)
    crops: int = Field(default=16, ge=0)
    crop_size: int = Field(default=64, ge=16, le=256)
    quality: int | Literal["lossless"] = 85
    most_megabytes: float = Field(default=40, gt=0)

    @field_validator("quality")
    @classmethod
    def _check_quality(cls, quality):
        if quality != "lossless" and not 1 <= quality <= 100:
            raise ValueError(f"expected 1..100 or lossless, got {quality}")
        return quality


class IDRSettings(Settings):
    """The IDR view of `kdsr inspect`; `vary` are the parameters that are drawn, by default those of the image sets."""

    vary: list[Literal["blur", "angle", "noise", "jpeg"]] | None = None
    number: int = Field(default=400, ge=20)


class CompareSettings(Settings):
    """The option file of `kdsr compare`. Paths are seen from the folder in which the command runs."""

    title: str = "Super-resolution, side by side"
    scale: int = Field(ge=1, le=8)
    output: Path
    device: Device = "auto"
    models: dict[str, ComparedModelSettings] = Field(min_length=1)
    baseline: str | None = None  # the first model, unless named
    data: dict[str, ImagesSettings] = Field(min_length=1)
    metrics: list[Metric] | None = None  # None: all whose weights are there; LPIPS by VGG, slow, where they are named
    lpips_weights: LPIPSWeights = LPIPSWeights()
    published: bool = True
    cost: CostSettings | None = CostSettings()
    shown: ShownSettings = ShownSettings()
    idr: IDRSettings | None = IDRSettings()
    own_modules: list[str] | str = Field(default=[], alias="import")  # whose networks `network` may name

    @model_validator(mode="after")
    def _check_baseline(self):
        if self.baseline is not None and self.baseline not in self.models:
            raise ValueError(f"baseline: expected one of {', '.join(self.models)}, got {self.baseline!r}")
        return self

    @property
    def baseline_name(self) -> str:
        """Return the model that differences are taken against."""
        return self.baseline or next(iter(self.models))


def read_compare_settings(path: Path) -> CompareSettings:
    """Read and check an option file with everything in it that needs no image and no weights.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not an option file, or (OptionError) everything that is wrong in it.
    """
    content = read_option_file(path)
    import_own_modules(content)
    settings = read_settings(CompareSettings, content, path="")
    problems: list[Problem] = []
    for name, block in settings.data.items():
        if block.dataroot_lq is None:
            where = join_path("data", name)
            collect(problems, check_benchmark, block.benchmark_block(name, scale=settings.scale), where)
    if problems:
        raise OptionError(problems)
    return settings
