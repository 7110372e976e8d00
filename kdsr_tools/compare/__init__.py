"""`kdsr compare`: any models on any images, side by side in figures and on one page that opens without a network."""
