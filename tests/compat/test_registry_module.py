"""BasicSR's file of registries alone: one module, whoever comes first, and None where BasicSR is not installed."""

import basicsr.utils.registry
from children import assert_runs

from kdsr_compat.registry_module import load_registry_module


def test_with_basicsr_imported_it_is_basicsrs_own():
    assert load_registry_module() is basicsr.utils.registry


def test_it_brings_nothing_and_basicsr_takes_it_over():
    assert_runs("""
import kdsr_compat
from kdsr_compat.registry_module import load_registry_module
module = load_registry_module()
assert module.ARCH_REGISTRY._name == "arch"
assert not {"basicsr", "torch", "torchvision"} & set(sys.modules)
import basicsr.utils.registry
assert basicsr.utils.registry is module
assert load_registry_module() is module
""")


def test_without_basicsr_there_is_none():
    assert_runs(
        "from kdsr_compat.registry_module import load_registry_module\nassert load_registry_module() is None",
        without=("basicsr",),
    )
