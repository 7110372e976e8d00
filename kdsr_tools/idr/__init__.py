"""`kdsr inspect`: what the implicit degradation representation of a trained student knows."""

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)
