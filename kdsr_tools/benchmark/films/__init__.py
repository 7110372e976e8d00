"""`kdsr benchmark video`: flicker, frames a second and memory of films."""
