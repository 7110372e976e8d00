"""`kdsr benchmark`: speed and memory, both sides measured in one run."""
