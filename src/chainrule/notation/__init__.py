"""Writing graphs as text and LaTeX, and reading text."""
