"""Kernels: what each computes, in LLVM's representation."""
