"""What the pages of several commands share: the page itself, plots, and pictures in it."""
