"""The native executor: a graph compiled to machine code through LLVM."""
