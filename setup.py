"""Packaging. `python setup.py check-python` says whether this Python will do, without needing setuptools."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGES = ("kdsr_arch", "kdsr_compat", "kdsr_data", "kdsr_model", "kdsr_options", "kdsr_tools")
OLDEST, NEWEST_TESTED = (3, 10), (3, 13)
# Where these have wheels; elsewhere pip would try to build them.
PROCESSORS = 'platform_machine in "x86_64 AMD64 aarch64 arm64"'
# What `kdsr upscale` needs; the rest is in EXTRAS.
REQUIREMENTS = [
    # For tifffile: LZW and most other compressions of TIFF. Without it, such files are refused by name.
    f"imagecodecs; {PROCESSORS}",
    # For the fast path on CPUs; without it, PyTorch's layers run. Its kernels use typed pointers, which LLVM has given
    # up; 0.50 is the newest that was measured.
    f"llvmlite>=0.44,<0.51; {PROCESSORS}",
    "numpy",
    "opencv-python>=4.12",
    "pillow>=10.1",
    "psutil",
    "pydantic>=2.7",
    "pyyaml",
    "safetensors",
    "tifffile",
    "torch>=2.1",
    "tqdm",
]
# Plugins of Pillow, which have no wheels for every system.
PICTURE_FORMATS = {"heic": ["pillow-heif"], "jxl": ["pillow-jxl-plugin"]}
EXTRAS = {
    "hub": ["huggingface_hub"],
    "lpips": ["lpips"],
    "onnx": ["onnx", "onnxruntime", "onnxscript"],
    "report": ["jinja2", "matplotlib", "scikit-learn"],
    "spandrel": ["spandrel"],
    "train": [
        "basicsr>=1.4.2",  # on Python 3.13: kdsr_compat/install_basicsr
        "lmdb",
        "scikit-image",
        "scipy<2",  # basicsr 1.4.2 imports scipy.ndimage.filters, which SciPy 2 drops
        "torchvision",
    ],
    # Older ones mistake the colours of BT.2020, and newer ones need a newer Python.
    "video": ['av>=18; python_version >= "3.11"'],
}
DEVELOPMENT = [
    "build",
    "hypothesis",
    "mypy",
    "playwright",
    "pre-commit",
    "pytest>=8",
    "pytest-cov",
    "pytest-xdist",
    "ruff",
    "twine",
]


def check_python() -> None:
    """End with a sentence where Python is too old; warn where it is newer than any that the tests were run with."""
    version = ".".join(map(str, sys.version_info[:2]))
    oldest, newest = (".".join(map(str, pair)) for pair in (OLDEST, NEWEST_TESTED))
    if sys.version_info[:2] < OLDEST:
        raise SystemExit(
            f"KDSR needs Python {oldest} or newer; this is {version}. Install Python {newest} and name it: "
            f"make install PYTHON=python{newest}"
        )
    if sys.version_info[:2] > NEWEST_TESTED:
        print(
            f"KDSR is tested with Python {oldest} to {newest}; this is {version}, which is tried all the same. If a "
            f"package cannot be installed, name an older Python: make install PYTHON=python{newest}",
            file=sys.stderr,
        )


def read_version() -> str:
    """Read the version from its one home without importing the package, which needs torch."""
    text = (ROOT / "kdsr_model" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'__version__ = "(.+)"', text)[1]


def main() -> None:
    """Build or install the project."""
    from setuptools import find_packages, setup

    option_folders = sorted({path.parent.relative_to(ROOT / "options") for path in (ROOT / "options").rglob("*.yml")})
    setup(
        name="kdsr",
        version=read_version(),
        description="KDSR blind super-resolution for BasicSR: training, evaluation and command line",
        long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
        long_description_content_type="text/markdown",
        license="MIT",
        license_files=["LICENSE"],
        keywords=[
            "super-resolution",
            "blind super-resolution",
            "image restoration",
            "BasicSR",
            "knowledge distillation",
        ],
        classifiers=[
            "Development Status :: 4 - Beta",
            "Intended Audience :: Science/Research",
            "Operating System :: OS Independent",
            "Programming Language :: Python :: 3",
            *(f"Programming Language :: Python :: 3.{minor}" for minor in range(OLDEST[1], NEWEST_TESTED[1] + 1)),
            "Typing :: Typed",
            "Topic :: Scientific/Engineering :: Image Processing",
        ],
        python_requires=f">={'.'.join(map(str, OLDEST))}",
        # Listed, not found: the folder basicsr/ holds launchers and must never be installed.
        packages=[
            *(package for name in PACKAGES for package in find_packages(ROOT, include=[name, f"{name}.*"])),
            *("kdsr_options.shipped", "kdsr_tools.checkpoints.weights"),
        ],
        package_dir={"kdsr_options.shipped": "options"},
        package_data={
            "": ["py.typed"],
            "kdsr_tools.checkpoints.weights": ["*.safetensors"],
            "kdsr_options.shipped": [(folder / "*.yml").as_posix() for folder in option_folders],
            "kdsr_tools.checkpoints": ["cards.yml"],
            "kdsr_tools.compare": ["published.yml"],
            "kdsr_tools.pages": ["templates/*"],
        },
        install_requires=REQUIREMENTS,
        extras_require={
            **PICTURE_FORMATS,
            **EXTRAS,
            "dev": [*DEVELOPMENT, *(name for names in EXTRAS.values() for name in names)],
        },
        entry_points={"console_scripts": ["kdsr=kdsr_tools.cli:main"]},
    )


check_python()
# pip runs this file under a name of its own.
if sys.argv[1:] != ["check-python"]:
    main()
