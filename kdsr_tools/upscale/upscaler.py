"""`Upscaler`: pictures of any size as NumPy arrays in, larger ones out."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from kdsr_arch import KDSRStudent
from kdsr_arch.checkpoint import read_heads
from kdsr_arch.inference.restorer import CROP_SIZE, ImageRestorer
from kdsr_arch.inference.tiling import cut_centre
from kdsr_tools.checkpoints.loading import LoadedNetwork, load_network
from kdsr_tools.checkpoints.shipped import load_model
from kdsr_tools.devices import find_device
from kdsr_tools.heads.diagnosis import Diagnosis
from kdsr_tools.heads.reader import Heads, load_heads
from kdsr_tools.upscale.diagnosing import read_idrs, read_tile_idrs
from kdsr_tools.upscale.fringes import limit_to_neighbours
from kdsr_tools.upscale.machine import (
    PRECISIONS,
    Knobs,
    check_outscale,
    check_precision,
    choose_memory,
    refuse_student_settings,
)
from kdsr_tools.upscale.pixels import Planes, are_finite, as_array, from_rgb, resample, to_image, to_planes, to_rgb
from kdsr_tools.upscale.tiled_restorer import TiledRestorer
from kdsr_tools.upscale.video.settings import EncoderSettings

if TYPE_CHECKING:
    from kdsr_tools.upscale.video.film import FilmFrame, FilmReport


class Upscaler:
    """Makes pictures larger and sharper: `upscaler(image) -> image`.

    Args:
        loaded: the network; see `from_checkpoint` and `default`.
        device: 'auto' (a GPU if there is one), 'cpu', 'cuda', 'cuda:1', 'mps'.
        precision: 'fp32', 'bf16' or 'fp16' (not on a CPU). A result that is not finite is computed again in fp32.
        max_memory: bytes to work with; None takes, on a CPU, half of what is free, and on a GPU all there is.
        tile_size: LQ pixels of a tile's side, instead of what the memory allows.
        idr_from: what a KDSR student estimates the degradation from: 'full' (the whole picture), 'crop' (its centre,
            which is faster), or another picture, as an array, that the same camera took.
        outscale: the final factor, by resizing the network's result; None is the network's own scale.
        denoise, deblur: -1 to 1, for models with heads: let the network take the picture for so much noisier or more
            blurred than it seems; below 0, for less. Steps of `kdsr_tools.idr.fitting.KNOB_STEPS`; 0 changes nothing.
        fast: let KDSR students take the shortcuts of `kdsr_arch.inference.restorer`.
        num_processes: how many on this machine share the free memory.
        warn: told, in a sentence, that a result was computed again.

    Raises:
        ValueError: a setting is impossible, on this machine or with this network.
    """

    def __init__(
        self,
        loaded: LoadedNetwork,
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_memory: int | None = None,
        tile_size: int | None = None,
        idr_from: str | np.ndarray = "full",
        outscale: float | None = None,
        denoise: float = 0.0,
        deblur: float = 0.0,
        fast: bool = True,
        num_processes: int = 1,
        warn: Callable[[str], Any] = warnings.warn,
    ):
        self.device = find_device(device)
        check_precision(precision, self.device)
        check_outscale(outscale)
        self.is_student = isinstance(loaded.network, KDSRStudent)
        self.knobs = Knobs.check(denoise=denoise, deblur=deblur)
        if not self.is_student:
            refuse_student_settings(loaded, max_memory=max_memory, idr_from=idr_from, knobs=self.knobs)
        if max_memory is None and self.device.type == "cpu":
            max_memory = choose_memory(num_processes=num_processes)
        self.loaded = loaded
        self.precision = precision
        self.max_memory = max_memory
        self.tile_size = tile_size
        self.fast = fast
        self.outscale = outscale
        self.warn = warn
        self._idr_from = self._check_idr_source(idr_from)
        self._fixed_idr: Tensor | None = None
        self._heads: Heads | None = load_heads(loaded.path) if self.knobs.are_turned else None
        self._restorers: dict[str, ImageRestorer | TiledRestorer] = {}
        self._make_restorer(precision)

    @classmethod
    def from_checkpoint(cls, path: str | Path, *, option_file: str | Path | None = None, **settings: Any) -> Upscaler:
        """Make an upscaler of a checkpoint; see `load_network` for what may be in it, and the class for `settings`."""
        return cls(load_network(path, option_file=option_file), **settings)

    @classmethod
    def default(cls, **settings: Any) -> Upscaler:
        """Make an upscaler of the default model that ships with the package; ValueError if none does.

        `settings` as those of the class and of `from_shipped`.
        """
        return cls.from_shipped(None, **settings)

    @classmethod
    def from_shipped(cls, name: str | None, *, sharpness: float | None = None, **settings: Any) -> Upscaler:
        """Make an upscaler of a shipped model by its name (`kdsr upscale --model list`), or of a checkpoint.

        Args:
            sharpness: 0 (the faithful model) to 1 (the sharp one made from it), whichever of the two is named; what
                lies between is one network with both's weights mixed, as fast as either.

        Raises:
            FileNotFoundError: there is no such model.
            ValueError: no sharp model was made from it.
        """
        return cls(load_model(name, sharpness=sharpness), **settings)

    def __repr__(self) -> str:
        return f"Upscaler({self.loaded.description}, x{self.scale:g}, on {self.device})"

    @property
    def scale(self) -> float:
        """The final factor."""
        return self.outscale or self.loaded.scale

    def __call__(self, image: np.ndarray | Image.Image, *, idr: Tensor | None = None) -> np.ndarray:
        """Enlarge a picture.

        Args:
            image: (H, W) gray, or (H, W, C) of 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGBA) channels; uint8,
                uint16, or floats in [0, 1]; or a PIL image, which comes back as an array.
            idr: (1, C), for KDSR students, in place of what `idr_from` says.

        Returns:
            The same kind of array, `scale` times as large; floats are clamped to [0, 1]. Where all of RGB is gray, the
            result's channels are equal.

        Raises:
            ValueError: the array is no picture, or the network's result is not finite.
        """
        image = as_array(image)
        planes = to_planes(image)
        results = self._restore(planes, self.precision, idr)
        if self.precision != "fp32" and not are_finite(results):
            self.warn(f"the result in {self.precision} was not finite and was computed again in fp32")
            results = self._restore(planes, "fp32", idr)
        if not are_finite(results):
            raise ValueError(f"the result of {self.loaded.path} is not finite; its weights may be damaged")
        sr = Planes(results[0], None) if planes.alpha is None else limit_to_neighbours(Planes(*results), planes)
        return to_image(self._resize(sr, *image.shape[:2]), like=image)

    def result_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width that a picture of this size gets."""
        return max(round(height * self.scale), 1), max(round(width * self.scale), 1)

    def video(
        self,
        source: str | Path,
        target: str | Path,
        *,
        idr_from: str = "scene",
        codec: str | None = None,
        crf: float | None = None,
        pixel_format: str | None = None,
        overwrite: bool = False,
        show_bar: bool | None = False,
    ) -> FilmReport:
        """Enlarge a film, with its sound, subtitles and times; see `docs/video.md`.

        Args:
            idr_from: 'scene' (one IDR for each scene) or 'frame' (what this upscaler does with pictures).
            codec, crf, pixel_format: see `video.settings.EncoderSettings`.
            show_bar: whether progress is shown on stderr; None: if that is a terminal.

        Raises:
            ValueError: the film cannot be read, or not written as it is asked for.
            FileExistsError: the result exists and `overwrite` is False.
        """
        from kdsr_tools.upscale.video.film import make_film  # needs PyAV

        encoder = EncoderSettings(codec, crf, pixel_format)
        return make_film(
            self,
            Path(source),
            Path(target),
            idr_from=idr_from,
            encoder=encoder,
            overwrite=overwrite,
            show_bar=show_bar,
        )

    def frames(self, source: str | Path, *, idr_from: str = "scene") -> Iterator[FilmFrame]:
        """Return a film's frames enlarged, one by one, each with its time; see `video`."""
        from kdsr_tools.upscale.video.film import restore_frames  # needs PyAV

        return restore_frames(self, Path(source), idr_from=idr_from)

    def diagnose(self, image: np.ndarray | Image.Image, *, features: Tensor | None = None) -> Diagnosis:
        """Say what happened to a picture: blur, noise, JPEG, each with an interval; see `docs/diagnose.md`.

        Args:
            image: as for a call.
            features: what `pool_features` gave for it, where that is known.

        Raises:
            ValueError: the array is no picture, or the model has no heads; the message says how to make them.
        """
        heads, (height, width) = self.require_heads(), as_array(image).shape[:2]
        features = self.pool_features(image) if features is None else features
        return read_idrs(self._student_restorer(), heads, features, num_pixels=height * width)[0]

    def diagnose_tiles(self, image: np.ndarray | Image.Image) -> tuple[Diagnosis, list[list[Diagnosis]]]:
        """Say what happened to a picture, and to each of its tiles, in rows; see `diagnosing.MAP_TILE_SIZE`."""
        lq = to_rgb(to_planes(as_array(image)).colour)
        return read_tile_idrs(self._student_restorer(), self.require_heads(), lq)

    @property
    def has_heads(self) -> bool:
        """Whether the model can say what happened to pictures."""
        return self.is_student and bool(read_heads(self.loaded.path))

    def require_heads(self) -> Heads:
        """Return what reads the model's IDR; ValueError if its file has none."""
        self._student_restorer()
        if self._heads is None:
            self._heads = load_heads(self.loaded.path)
        return self._heads

    def pool_features(self, image: np.ndarray | Image.Image) -> Tensor:
        """Return the averages (1, F) that a KDSR student's estimator makes of a picture; see `ImageRestorer`."""
        return self._student_restorer().pool_features(to_rgb(to_planes(as_array(image)).colour))

    def summarise(self, features: Tensor) -> Tensor:
        """Turn the mean of several pictures' `pool_features` into the one IDR (1, C) of all of them."""
        return self._student_restorer().summarise(features).cpu()

    def _student_restorer(self) -> ImageRestorer:
        restorer = self._make_restorer(self.precision)
        if not isinstance(restorer, ImageRestorer):
            raise ValueError(f"{self.loaded.description} estimates no IDR")
        return restorer

    @property
    def idr_source(self) -> str:
        """What the IDR of a single picture is estimated from: 'full', 'crop' or, for a picture, its digest."""
        if isinstance(self._idr_from, str):
            return self._idr_from
        return hashlib.sha256(self._idr_from.numpy().tobytes()).hexdigest()

    def _resize(self, sr: Planes, height: int, width: int) -> Planes:
        """Bring the network's result to the final factor; `height` and `width` are those of LQ."""
        if self.scale == self.loaded.scale:
            return sr
        size = self.result_size(height, width)
        return Planes(resample(sr.colour, size), None if sr.alpha is None else resample(sr.alpha, size))

    def _restore(self, planes: Planes, precision: str, idr: Tensor | None) -> list[Tensor]:
        """Enlarge colour and, if there is one, alpha, which goes through the network like a gray picture."""
        restorer = self._make_restorer(precision)
        inputs = [plane for plane in planes if plane is not None]
        # One IDR for both, so that colour and alpha stay in step.
        shared = {}
        if isinstance(restorer, ImageRestorer):
            idr = self._find_idr(restorer, to_rgb(inputs[0])) if idr is None else idr
            shared["idr"] = self.require_heads().steer(idr, **self.knobs._asdict()) if self.knobs.are_turned else idr
        return [from_rgb(restorer(to_rgb(plane), **shared), like=plane) for plane in inputs]

    def _find_idr(self, restorer: ImageRestorer, lq: Tensor) -> Tensor:
        if isinstance(self._idr_from, Tensor):
            if self._fixed_idr is None:
                self._fixed_idr = restorer.estimate_idr(self._idr_from)
            return self._fixed_idr
        return restorer.estimate_idr(cut_centre(lq, CROP_SIZE) if self._idr_from == "crop" else lq)

    def _make_restorer(self, precision: str) -> ImageRestorer | TiledRestorer:
        if precision not in self._restorers:
            self._restorers[precision] = self._build_restorer(PRECISIONS[precision])
        return self._restorers[precision]

    def _build_restorer(self, dtype: torch.dtype) -> ImageRestorer | TiledRestorer:
        network = self.loaded.network
        if not isinstance(network, KDSRStudent):
            network = network.to(self.device)
            return TiledRestorer(
                network, scale=self.loaded.scale, device=self.device, dtype=dtype, tile_size=self.tile_size
            )
        if dtype != torch.float32:
            network = copy.deepcopy(network)
        network = network.to(self.device, dtype)
        return ImageRestorer(network, max_memory=self.max_memory, tile_size=self.tile_size, fast=self.fast)

    def _check_idr_source(self, idr_from: str | np.ndarray | Image.Image) -> str | Tensor:
        if isinstance(idr_from, np.ndarray):
            return to_rgb(to_planes(idr_from).colour)
        if not isinstance(idr_from, str) or idr_from not in ("full", "crop"):
            raise ValueError(f"idr_from: expected 'full', 'crop' or a picture as an array, got {idr_from!r}")
        return idr_from
