"""Packaging. `python setup.py check-python` says whether this Python will do, without needing setuptools."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGES = ("kdsr_arch", "kdsr_compat", "kdsr_data", "kdsr_model", "kdsr_options", "kdsr_tools")
OLDEST, TOO_NEW = (3, 10), (3, 13)


def check_python() -> None:
    """End with a sentence where BasicSR cannot be installed: its setup.py fails on Python 3.13 and newer."""
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        raise SystemExit(
            f"KDSR needs Python 3.10, 3.11 or 3.12, since BasicSR 1.4.2 cannot be installed on other versions; this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Install Python 3.11 and name it: "
            "make install PYTHON=python3.11"
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
            "Topic :: Scientific/Engineering :: Image Processing",
        ],
        python_requires=f">={'.'.join(map(str, OLDEST))},<{'.'.join(map(str, TOO_NEW))}",
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
            "kdsr_tools.compare": ["published.yml"],
            "kdsr_tools.pages": ["templates/*"],
        },
        install_requires=[
            "basicsr>=1.4.2",
            # For tifffile: LZW and most other compressions of TIFF. Without it, such files are refused by name.
            'imagecodecs; platform_machine in "x86_64 AMD64 aarch64 arm64"',
            "imageio",
            "jinja2",
            # For the fast path on CPUs; without it, PyTorch's layers run. Named by processor, since pip would try to
            # build it where it has no wheel.
            'llvmlite>=0.44; platform_machine in "x86_64 AMD64 aarch64 arm64"',
            "lmdb",
            "matplotlib",
            "numpy",
            "opencv-python>=4.12",
            "pillow>=10.1",
            "psutil",
            "pydantic>=2.7",
            "pyyaml",
            "safetensors",
            "scikit-image",
            "scikit-learn",
            "scipy<2",  # basicsr 1.4.2 imports scipy.ndimage.filters, which SciPy 2 drops
            "tifffile",
            "torch>=2.1",
            "torchvision",
            "tqdm",
        ],
        extras_require={
            "dev": [
                "hypothesis",
                "lpips",
                "mypy",
                "onnx",
                "onnxruntime",
                "onnxscript",
                "playwright",
                "pytest>=8",
                "pytest-cov",
                "pytest-xdist",
                "ruff",
                "spandrel",
            ],
            "heic": ["pillow-heif"],
            "jxl": ["pillow-jxl-plugin"],
            "lpips": ["lpips"],
            "onnx": ["onnx", "onnxruntime", "onnxscript"],
            "report": ["jinja2", "matplotlib", "scikit-learn"],
            "spandrel": ["spandrel"],
        },
        entry_points={"console_scripts": ["kdsr=kdsr_tools.cli:main"]},
    )


check_python()
# pip runs this file under a name of its own.
if sys.argv[1:] != ["check-python"]:
    main()
