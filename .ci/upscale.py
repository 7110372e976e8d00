"""What is promised for every system: the networks can be imported, and `kdsr upscale` enlarges a picture.

Run it outside the clone, with the package installed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import kdsr_arch  # noqa: F401
import kdsr_data  # noqa: F401


def main() -> None:
    """Enlarge a small picture whose name is not ASCII, and look at the result."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "Größe.png"), Path(folder, "large")
        Image.new("RGB", (20, 12), "teal").save(small)
        subprocess.run([sys.executable, "-m", "kdsr_tools", "upscale", str(small), "-o", str(large)], check=True)
        with Image.open(large / small.name) as picture:
            if picture.size != (80, 48):
                raise SystemExit(f"expected a picture of 80x48 pixels, got {picture.size}")


if __name__ == "__main__":
    main()
