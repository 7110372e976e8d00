"""The module of torchvision that is gone: found under its name alone, and filled when it is imported."""

import importlib
import sys
from importlib.util import find_spec

from children import assert_runs

from kdsr_compat import functional_tensor
from kdsr_compat.functional_tensor import provide_functional_tensor


def test_the_function_is_that_of_the_public_module():
    provide_functional_tensor()
    module = importlib.import_module(functional_tensor.NAME)
    assert module.rgb_to_grayscale is importlib.import_module("torchvision.transforms.functional").rgb_to_grayscale


def test_nothing_else_is_found_and_one_finder_is_enough():
    provide_functional_tensor()
    finders = list(sys.meta_path)
    provide_functional_tensor()
    assert sys.meta_path == finders
    assert find_spec("torchvision.transforms.functional_tensors") is None


def test_providing_it_imports_nothing():
    assert_runs(
        "from kdsr_compat.functional_tensor import provide_functional_tensor\n"
        "provide_functional_tensor()\n"
        "assert not {'torch', 'torchvision', 'basicsr'} & set(sys.modules)"
    )
