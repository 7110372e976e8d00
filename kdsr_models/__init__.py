"""The weights that ship with the project, as `.safetensors` files that describe themselves in their headers."""
