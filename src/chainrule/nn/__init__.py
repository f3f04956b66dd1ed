"""Networks ready made, and how their parameters start."""
