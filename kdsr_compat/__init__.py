"""What BasicSR needs to be imported and to run without CUDA, each with its reason and the version.

Importing this package costs next to nothing: no PyTorch, no BasicSR. The packages import it before they import BasicSR.
Checked against basicsr 1.4.2 (the newest release); where BasicSR's master differs, it is said.
"""

from kdsr_compat.functional_tensor import provide_functional_tensor

provide_functional_tensor()
