"""KDSR students for programs that are built on spandrel (https://github.com/chaiNNer-org/spandrel).

After `install()`, spandrel's `ModelLoader` knows our checkpoints and the authors', of any size and scale, by their
weights alone. Importing this file imports spandrel, so nothing else here does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from kdsr_arch.inference.restorer import ImageRestorer
from kdsr_arch.kdsr import KDSRStudent
from kdsr_arch.weights import TEACHER_MESSAGE, list_signatures, size_from_weights

try:
    from spandrel import (
        MAIN_REGISTRY,
        Architecture,
        ArchRegistry,
        ArchSupport,
        ImageModelDescriptor,
        ModelTiling,
        StateDict,
        UnsupportedModelError,
    )
    from spandrel.util import KeyCondition
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"kdsr_arch.spandrel_support needs {error.name}, which is not installed: pip install 'kdsr[spandrel]'",
        name=error.name,
    ) from error


def install(registry: ArchRegistry = MAIN_REGISTRY) -> list[ArchSupport]:
    """Add KDSR to a registry, by default that of every `ModelLoader`; return what was added."""
    return registry.add(ArchSupport.from_architecture(KDSRArch()), ignore_duplicates=True)


class KDSR(KDSRStudent):
    """A student as spandrel builds its networks: by keywords, which it keeps as `hyperparameters`.

    Spandrel's `store_hyperparameters` would have each keyword of `KDSRStudent` written down here again.
    """

    def __init__(self, **sizes: Any):
        super().__init__(**sizes)
        self.hyperparameters = sizes


class KDSRArch(Architecture[KDSR]):
    """How spandrel tells a KDSR network by its weights, and loads it if it is a student."""

    def __init__(self) -> None:
        super().__init__(
            id="KDSR",
            detect=KeyCondition.has_any(*(KeyCondition.has_all(*keys) for keys in list_signatures())),
        )

    def load(self, state_dict: StateDict) -> ImageModelDescriptor[KDSR]:
        """Build the student that a state dict is of.

        Raises:
            UnsupportedModelError: it is a teacher's.
            ValueError: it is of a network with another normalisation.
        """
        size = size_from_weights(state_dict)
        if size.kind == "teacher":
            raise UnsupportedModelError(TEACHER_MESSAGE)
        return ImageModelDescriptor(
            KDSR(**size.arguments()),
            state_dict,
            architecture=self,
            purpose="SR",
            tags=[f"{size.num_feat}nf", f"{size.num_block}nb"],
            supports_half=True,
            supports_bfloat16=True,
            scale=size.scale,
            input_channels=3,
            output_channels=3,
            # A program that cuts the picture into tiles would give each an IDR of its own.
            tiling=ModelTiling.INTERNAL,
            call_fn=WholeImages(),
        )


class WholeImages:
    """Calls a student for whole images: one IDR for all of an image, in tiles where memory asks for it.

    What restores is kept from call to call, and made anew where the network has moved or changed its precision. Who
    changes weights in place must load the network anew.
    """

    def __init__(self) -> None:
        self.restorer: ImageRestorer | None = None

    def __call__(self, student: KDSRStudent, lq: Tensor) -> Tensor:
        """Enlarge `lq` (B, 3, H, W), RGB in [0, 1], to (B, 3, sH, sW) of the same type, not clamped."""
        weight = student.sr_network.conv_first.weight
        # As long as the restorer holds its weights, no others are at their address.
        if self.restorer is None or self.restorer.like.data_ptr() != weight.data_ptr():
            self.restorer = ImageRestorer(student)
        return torch.cat([self.restorer(image) for image in lq.split(1)]).to(lq.dtype)
