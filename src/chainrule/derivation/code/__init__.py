"""Judges a backward pass written as a NumPy function."""
