"""The safe run around BasicSR's loop: it can be stopped at any moment, and goes on exactly.

Checked against basicsr 1.4.2 (the newest release); where BasicSR's master differs, it is said.
"""
