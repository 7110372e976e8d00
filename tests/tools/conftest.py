"""What the tests of the commands share."""

import pytest


@pytest.fixture
def interrupt_reading(monkeypatch):
    """Give a function by which a module's `read_picture` meets Ctrl+C at the picture of a name."""

    def interrupt(module, *, at):
        read = module.read_picture

        def read_or_stop(path, **options):
            if path.name == at:
                raise KeyboardInterrupt
            return read(path, **options)

        monkeypatch.setattr(module, "read_picture", read_or_stop)

    return interrupt
