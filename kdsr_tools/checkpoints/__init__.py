"""Networks from checkpoint files, the models that ship, and the commands that convert, export and describe them."""
