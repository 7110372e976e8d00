"""KDSR for BasicSR: importing registers networks, data sets, models and losses, and hooks a running launcher.

An option file loads the plugin with the line `kdsr_version: !!python/name:kdsr_model.__version__ ""`.
"""

import kdsr_arch  # noqa: F401
import kdsr_compat  # noqa: F401  (BasicSR imports only after it)
from kdsr_compat.devices import support_cpu_training
from kdsr_compat.optimizers import support_every_optimizer
from kdsr_compat.validation import support_undefined_scores
from kdsr_data import blind_sr_benchmark_dataset, degradations, degraded_image_dataset  # noqa: F401
from kdsr_model.idr_loss import IDRKLLoss, IDRL1Loss
from kdsr_model.kdsr_student_gan_model import KDSRStudentGANModel
from kdsr_model.kdsr_student_model import KDSRStudentModel
from kdsr_model.kdsr_teacher_model import KDSRTeacherModel
from kdsr_model.launch import check_running_launcher
from kdsr_model.perceptual import lpips_metric  # noqa: F401
from kdsr_model.perceptual.lpips_loss import LPIPSLoss

__version__ = "0.1.0"
__all__ = [
    "IDRKLLoss",
    "IDRL1Loss",
    "LPIPSLoss",
    "KDSRStudentGANModel",
    "KDSRStudentModel",
    "KDSRTeacherModel",
    "__version__",
]

support_cpu_training()
support_every_optimizer()
support_undefined_scores()
check_running_launcher()
