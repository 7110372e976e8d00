"""`kdsr upscale`, and `Upscaler`, which enlarges pictures from Python."""
