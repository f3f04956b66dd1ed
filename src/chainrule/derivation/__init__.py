"""Judges derivations written by hand: equations in `check`, NumPy functions in `check_function`."""
