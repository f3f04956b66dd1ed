"""Graph and arrays in, arrays out."""
