"""The rule book says what the ops say, all of it, and its page is up to date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.errors import UnknownNameError
from chainrule.ir import registry
from chainrule.ir.op import Attribute, Op
from chainrule.ir.registry import every_op
from chainrule.ir.value import Value
from chainrule.notation.text import to_text
from chainrule.rulebook import rule_book_markdown
from chainrule.rulebook.entry import entry_of
from chainrule.rulebook.example import example_of
from chainrule.rulebook.page import COMMAND

PAGE = Path(__file__).parents[2] / "docs/rule-book.md"
OPS = [op for op in every_op() if type(op).__module__.startswith("chainrule.ops.")]

each_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


@pytest.fixture(autouse=True)
def _rule_book_as_before() -> Iterator[None]:
    before = dict(registry._OPS)
    yield
    registry._OPS.clear()
    registry._OPS.update(before)


def test_the_page_is_up_to_date() -> None:
    up_to_date = PAGE.read_text(encoding="utf-8") == rule_book_markdown()
    assert up_to_date, f"the rule book has changed; refresh its page: {COMMAND}"


def test_every_op_has_its_place_and_every_link_leads_there() -> None:
    text = rule_book_markdown()
    headings = re.findall(r"^##+ (.*)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    links = re.findall(r"\]\(#([^)]*)\)", text)
    assert Counter(links) == Counter(anchors)
    assert max(Counter(anchors).values()) == 1
    assert {op.name for op in OPS} <= set(headings)


@each_op
def test_the_equations_are_those_of_a_graph_that_reads_back(op: Op) -> None:
    example = example_of(op)
    for graph in (example.applied(), example.rule()):
        assert cr.parse(to_text(graph)).same_as(graph)


@each_op
def test_no_name_is_defined_twice_but_a_composite_s(op: Op) -> None:
    lines = entry_of(op).equations.splitlines()
    names = Counter(line.split(" = ")[0].strip() for line in lines if line)
    twice = {name for name, count in names.items() if count > 1}
    assert twice == ({example_of(op).result} if isinstance(op, cr.Composite) else set())


@each_op
def test_facts_are_the_class_s_own(op: Op) -> None:
    entry = entry_of(op)
    facts = dict(entry.facts)
    assert facts.get("Source", "") == op.source
    assert ("Kinks" in facts) == bool(op.kinks)
    assert all(attribute.name in facts["Attributes"] for attribute in op.attributes)
    assert " ".join([entry.title, *entry.notes]) == " ".join((type(op).__doc__ or "").split())


def test_gradients_are_there_where_the_rule_has_them() -> None:
    assert entry_of(cr.multiply).equations == "y  = a ⊙ b\nda = dy ⊙ b\ndb = dy ⊙ a"
    assert entry_of(cr.greater).equations == "y = a > b"


def test_an_entry_in_the_terminal() -> None:
    lines = str(cr.rule("softmax_cross_entropy")).splitlines()
    assert lines[0] == "softmax_cross_entropy"
    assert "    dz = reshape(dL, (m, 1)) ⊙ (softmax(z) − one_hot(y, k)) : (m, k)" in lines
    assert "Signature   z (…, k), y (…) index → L (…), or z (…, k), y (…, k) → L (…)" in lines
    assert "Attributes  label_smoothing = 0" in lines


def test_facts_one_by_one() -> None:
    facts = {op.name: dict(entry_of(op).facts) for op in OPS}
    assert facts["divide"]["Domain"] == "`b` in (−∞, ∞) ∖ {0}"
    assert facts["hinge"]["Domain"] == "`y` in {−1, 1}"
    assert facts["hardtanh"]["Kinks"] == "−1, 1"
    assert facts["sum"]["Attributes"] == "`axis = none`, `keepdims = false`"
    assert facts["sum"]["Signature"] == "`x (…) → y`"
    assert facts["tanh"]["LaTeX"] == r"`y = \tanh\left(x\right)`"
    assert facts["dropout"]["Prediction"] == "`y = x`"
    assert facts["dropout"]["Signature"] == "`x (…), [mask (…)] → y (…)`"
    assert "Prediction" not in facts["tanh"]


def test_one_s_own_op_has_an_entry() -> None:
    class Swoosh(cr.Composite):
        """Swoosh, y = x σ(βx).

        A second paragraph.
        """

        signature = "... -> ..."
        attributes = (Attribute("beta", "number", 2),)
        source = "the garden"

        def definition(self, x: Value, *, beta: float) -> dict[str, Value]:
            gate = cr.sigmoid(beta * x)
            return {"gate": gate, "y": x * gate}

    shown = str(cr.rule(Swoosh))
    assert shown == str(cr.rule("swoosh")) == repr(cr.rule(cr.swoosh))
    assert shown.splitlines()[:6] == [
        "swoosh", "", "Swoosh, y = x σ(βx).", "", "A second paragraph.", "",
    ]  # fmt: skip
    assert "    y = swoosh(x)\n\n    gate = sigmoid(2 x)\n    y    = x ⊙ gate\n    dx   = " in shown
    assert shown.endswith("Source      the garden")
    assert "swoosh" not in rule_book_markdown()


def test_a_notebook_shows_markdown() -> None:
    text = cr.rule("relu")._repr_markdown_()
    assert text.startswith("**relu**\n\nRectified linear unit")
    assert "```text\ny  = relu(x)\ndx = dy ⊙ 1[x > 0]\n```" in text


def test_an_unknown_rule() -> None:
    with pytest.raises(UnknownNameError, match="there is no op named reul"):
        cr.rule("reul")
