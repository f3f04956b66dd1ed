"""Benchmarks: how long chainrule takes, against NumPy where there is something to compare with."""
