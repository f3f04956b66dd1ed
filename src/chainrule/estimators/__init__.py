"""From a table to a trained network and back: reading, preparing, splitting and scoring."""
