"""The rule book: what every op computes and sends back, generated from the ops themselves."""

from chainrule.rulebook.page import page as rule_book_markdown
from chainrule.rulebook.rule import Rule, rule

__all__ = ["Rule", "rule", "rule_book_markdown"]
