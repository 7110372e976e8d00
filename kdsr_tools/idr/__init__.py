"""`kdsr inspect`: what the implicit degradation representation of a trained student knows."""
