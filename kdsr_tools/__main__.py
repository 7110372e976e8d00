"""`python -m kdsr_tools`, the same as the `kdsr` command."""

from kdsr_tools.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
