"""BasicSR's registries: one and the same whether the package comes before our networks, after them, or never."""

import pytest
from basicsr.utils import registry
from children import assert_runs

from kdsr_compat import registries

BUILD = """
from basicsr.archs import build_network
student = build_network({"type": "KDSRStudent", "num_feat": 8, "num_block": 1, "num_estimator_block": 1})
assert type(student) is kdsr_arch.KDSRStudent
import basicsr, basicsr.utils.registry
from kdsr_compat.registries import ARCH_REGISTRY
assert basicsr.utils.registry is sys.modules["basicsr.utils.registry"]
assert basicsr.utils.registry.ARCH_REGISTRY is ARCH_REGISTRY
assert {"KDSRStudent", "EDSR"} <= set(ARCH_REGISTRY.keys())
"""


def test_basicsr_finds_our_networks_after_the_import_of_kdsr_arch_alone():
    assert_runs("import kdsr_arch\nassert 'basicsr' not in sys.modules" + BUILD)


def test_basicsr_finds_our_networks_if_it_was_imported_first():
    assert_runs("import kdsr_compat, basicsr, kdsr_arch" + BUILD)


@pytest.mark.parametrize("without", [(), ("basicsr",)])
def test_networks_need_no_package_of_basicsr(without):
    script = """
import kdsr_arch
from kdsr_compat.registries import ARCH_REGISTRY, registered
assert set(registered(ARCH_REGISTRY)) == {"KDSRStudent", "KDSRTeacher", "KDSRNoEstimator"}
assert "KDSRStudent" in ARCH_REGISTRY and ARCH_REGISTRY.get("KDSRStudent") is kdsr_arch.KDSRStudent
assert not {"torchvision", "scipy", "cv2", "kdsr_data", "kdsr_model"} & set(sys.modules)
assert sys.modules.get("basicsr") is None
"""
    assert_runs(script, without=without)


@pytest.mark.parametrize("kind", [registries.Registry, registry.Registry])
def test_the_stand_in_is_used_as_basicsrs_own_registry_is(kind):
    letters = kind("letter")

    @letters.register()
    class A:
        pass

    letters.register(list)
    assert list(letters.keys()) == ["A", "list"]
    assert registries.registered(letters) == {"A": A, "list": list}
    assert letters.get("A") is A
    assert "A" in letters
    assert "B" not in letters
    with pytest.raises(KeyError, match="'B'"):
        letters.get("B")
