"""The card of a student, as the Hugging Face Hub shows it: a head that programs read, then a page for people.

Its text comes from the header that a `.safetensors` file carries (`kdsr convert --set`), so that there is one source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kdsr_arch.weights import NetworkSize

TAGS = ["super-resolution", "blind-super-resolution", "image-restoration", "kdsr", "pytorch"]
METRICS = ["psnr", "ssim"]
# Of a header, what comes first, and what is said elsewhere or to programs alone.
FIRST = ("description", "degradations", "data", "training", "weaknesses")
LABELS = {"description": "for"}
LEFT_OUT = ("name", "kind", "format", "default", "replaces")
USE = """\
Where these files are in `FOLDER`, and the package `kdsr` is installed:

```bash
kdsr upscale photos/ -o large/ --model FOLDER
```

```python
from kdsr_arch import KDSRStudent

student = KDSRStudent.from_pretrained("FOLDER")  # or a repository, owner/name: pip install 'kdsr[hub]'
sr = student(lq)  # (B, 3, H, W), RGB in [0, 1] -> (B, 3, {scale}H, {scale}W)
```
"""


@dataclass(frozen=True)
class Evidence:
    """What stands behind a student, where that is known.

    Args:
        datasets: names of the training data.
        measured: for each data set and degradation, `bicubic` and `model` with PSNR (dB) and SSIM on Y.
        source: where a reader finds how that was measured.
    """

    datasets: Sequence[str] = ()
    measured: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    source: str = ""


def write_card(
    size: NetworkSize, *, parameters: int, header: Mapping[str, str], evidence: Evidence | None = None
) -> str:
    """Write the card of a student of this size, with what its header says."""
    evidence = evidence or Evidence()
    name = header.get("name") or f"KDSR student x{size.scale}"
    head = _write_head(name, size, header, evidence)
    rows = {"network": _describe(size, parameters), **_list_rows(size, header)}
    text = [
        f"---\n{head}---\n\n# {name}\n",
        f"A KDSR student: it makes pictures {size.scale} times as large and restores them without being told what "
        "happened to them, since it estimates the degradation from the picture itself (blind super-resolution, "
        "[Xia et al., ICLR 2023](https://arxiv.org/abs/2211.16928)).\n",
        "| | |\n| --- | --- |\n" + "".join(f"| {key} | {_in_cell(value)} |\n" for key, value in rows.items()),
        "## Use\n",
        USE.format(scale=size.scale),
    ]
    return "\n".join([*text, *_write_measured(size, evidence)])


def _write_head(name: str, size: NetworkSize, header: Mapping[str, str], evidence: Evidence) -> str:
    """Write the YAML in front: values as JSON, which YAML contains."""
    entries: dict[str, Any] = {"library_name": "kdsr", "pipeline_tag": "image-to-image", "tags": TAGS}
    entries |= _name_licence(header.get("licence", ""))
    if evidence.datasets:
        entries["datasets"] = list(evidence.datasets)
    if evidence.measured:
        entries["metrics"] = METRICS
        entries["model-index"] = [{"name": name, "results": _list_results(size, evidence)}]
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in entries.items())


def _name_licence(text: str) -> dict[str, str]:
    """Name a licence as the Hub does, by an identifier in small letters, or else as one that it does not know."""
    if not text:
        return {}
    if re.fullmatch(r"[\w.-]+", text):
        return {"license": text.lower()}
    return {"license": "other", "license_name": text}


def _list_results(size: NetworkSize, evidence: Evidence) -> list[dict[str, Any]]:
    task = {"type": "image-to-image", "name": f"blind super-resolution x{size.scale}"}
    return [
        {
            "task": task,
            "dataset": {"name": case, "type": case.partition(",")[0].lower()},
            "metrics": [{"type": kind, "value": value} for kind, value in zip(METRICS, scores["model"], strict=True)],
        }
        for case, scores in evidence.measured.items()
    ]


def _describe(size: NetworkSize, parameters: int) -> str:
    upsampler = ", direct upsampler" if size.direct_upsampler else ""
    return (
        f"`KDSRStudent`, x{size.scale}, {size.num_feat} features, {size.num_block} blocks, estimator of "
        f"{size.num_estimator_feat} features and {size.num_estimator_block} blocks{upsampler}; "
        f"{parameters:,} parameters"
    )


def _list_rows(size: NetworkSize, header: Mapping[str, str]) -> dict[str, str]:
    """List a header's entries for readers, the usual ones first."""
    rest = sorted(header.keys() - {*FIRST, *LEFT_OUT, *size.header()})
    return {LABELS.get(key, key.replace("_", " ")): header[key] for key in (*FIRST, *rest) if header.get(key)}


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _write_measured(size: NetworkSize, evidence: Evidence) -> list[str]:
    if not evidence.measured:
        return []
    rows = [
        f"| {case} | " + " | ".join(f"{psnr:.2f} / {ssim:.4f}" for psnr, ssim in (scores["bicubic"], scores["model"]))
        for case, scores in evidence.measured.items()
    ]
    source = f"; {evidence.source}" if evidence.source else ""
    return [
        "## Measured\n",
        f"PSNR (dB) / SSIM on Y, x{size.scale}, borders of {size.scale} pixels cropped{source}.\n",
        "| | bicubic | this model |\n| --- | --- | --- |\n" + "".join(f"{row} |\n" for row in rows),
    ]
