"""The whole table on one op."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import KindError
from chainrule.ir.op import Op
from chainrule.ir.registry import lookup
from chainrule.testing.cases import cases_of
from chainrule.testing.check import Check, raised
from chainrule.testing.report import Complaint, Report, Row
from chainrule.testing.table import CHECKS
from chainrule.testing.trial import Oracle, Trial


def check_op(op: Op | type[Op] | str, oracle: Oracle | None = None, seed: int = 0) -> Report:
    """Check an op against its own promises, a built-in one or one's own.

    Shapes are made from its signature, operands from its domain, away from its kinks, settings from
    its attributes. The gradient and the gradient's gradient are held to central differences in
    float64; where JAX is installed, value and gradient to JAX's as well.

    Args:
        op: the op, its class or its name.
        oracle: the same function from elsewhere, `oracle(*arrays, **attributes)`; without it the
            value is not checked.
        seed: of the operands drawn.

    Returns:
        A report with one row a check, true in a condition if all hold. In a test write
        `check_op(op).raise_if_failed()`, whose AssertionError shows the whole report.

    Example:
        >>> import chainrule as cr, numpy as np
        >>> bool(cr.testing.check_op(cr.relu, oracle=lambda x: np.clip(x, 0, None)))
        True
    """
    rule = _found(op)
    try:
        trials = [Trial(case, oracle, seed) for case in cases_of(rule)]
    except Exception as error:  # whatever an op's rule raises is reported
        return Report(
            rule.name, (Row("cases", 0, (Complaint("", f"no cases can be made: {raised(error)}"),)),)
        )
    if not trials:
        return Report(rule.name, (Row("cases", 0, (Complaint("", _no_case(rule)),)),))
    rows: list[Row] = []
    for check in CHECKS:
        rows.append(_row(check, trials, {row.check for row in rows if not row.ok}))
    return Report(rule.name, tuple(rows))


def _found(op: Op | type[Op] | str) -> Op:
    if isinstance(op, Op):
        return op
    if isinstance(op, str):
        return lookup(op)
    if isinstance(op, type) and hasattr(op, "name"):
        return lookup(op.name)
    raise KindError(
        f"check_op takes an op, its class or its name, not {type(op).__name__}.",
        fix="a function becomes an op as a Composite whose definition it is.",
    )


def _no_case(op: Op) -> str:
    named = ", ".join(f"{a.name} ({a.type})" for a in op.attributes)
    settings = f"; attributes tried by their types: {named}" if named else ""
    return f"infer or settle refuses every shape made from the signature {op.signature!r}{settings}"


def _row(check: Check, trials: Sequence[Trial], failed: set[str]) -> Row:
    first = next((name for name in check.after if name in failed), None)
    if first:
        return Row(check.name, 0, skipped=f"{first} fails", waits_for=first)
    answers = [(trial, *check.ask(trial)) for trial in check.chosen(trials)]
    complaints = (Complaint(trial.case.description, text) for trial, _, text in answers if text)
    looked_at = sum(1 for _, reason, _ in answers if not reason)
    return Row(check.name, looked_at, tuple(complaints), "" if looked_at else answers[0][1])
