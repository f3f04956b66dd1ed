"""Graph in, graph out: gradients, rewriting, simplification."""
