"""Tests of one's own ops: `check_op` puts an op through the table that the built-in ones go through."""

from chainrule.testing.report import Complaint, Report, Row
from chainrule.testing.suite import check_op

__all__ = ["Complaint", "Report", "Row", "check_op"]
