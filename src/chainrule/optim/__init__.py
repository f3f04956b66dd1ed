"""Update rules, written as equations."""
