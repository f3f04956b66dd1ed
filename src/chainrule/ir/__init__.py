"""What a program is: sizes, constants, ops, values, graphs. Knows no op by name."""
