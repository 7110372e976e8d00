"""Heads that read a student's IDR aloud: what they say of a picture, and how a model's file holds them."""
