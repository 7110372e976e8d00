"""Installs BasicSR on any Python that KDSR runs on: `python -m kdsr_compat.install_basicsr`."""
