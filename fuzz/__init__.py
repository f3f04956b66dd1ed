"""Coverage-guided fuzzers for what reads equations; see docs/reliability.md."""
