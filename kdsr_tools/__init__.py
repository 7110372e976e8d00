"""The command line, evaluation and reports of KDSR."""

import kdsr_compat  # noqa: F401  (BasicSR imports only after it)
