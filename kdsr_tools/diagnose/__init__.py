"""`kdsr diagnose`: what happened to pictures, as a student's IDR tells it."""
