"""What works around BasicSR, each with its reason and the version: nothing else in this project does.

The packages import this one before they import BasicSR. Checked against basicsr 1.4.2 (the newest release); where
BasicSR's master differs, it is said. `training_run` is the heart: training that stops and goes on exactly.
"""

from kdsr_compat.devices import provide_functional_tensor, support_cpu_degradation, support_cpu_training
from kdsr_model.run.hooks import hook_launchers
from kdsr_compat.registries import backbone_weights, registered, vgg_weights_at

__all__ = [
    "backbone_weights",
    "hook_launchers",
    "registered",
    "support_cpu_degradation",
    "support_cpu_training",
    "vgg_weights_at",
]

provide_functional_tensor()
