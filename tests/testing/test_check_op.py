"""check_op passes what is right, and says of what is wrong what is wrong with it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import KindError
from chainrule.ir import registry
from chainrule.ir.form import Fence
from chainrule.ir.op import Attribute
from chainrule.ir.value import Value

check_op = cr.testing.check_op


@pytest.fixture(autouse=True)
def _rule_book_as_before() -> Iterator[None]:
    before = dict(registry._OPS)
    yield
    registry._OPS.clear()
    registry._OPS.update(before)


class Unary(cr.Primitive, abstract=True):
    """An op on one number, y = x."""

    signature = "... -> ..."

    def forward(self, xp: Any, x: Any) -> Any:
        return x * x

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value, ...]:
        return (2 * dy * x,)


class Binary(cr.Primitive, abstract=True):
    """An op on two numbers, y = a b."""

    signature = "..., ... -> ..."

    def forward(self, xp: Any, a: Any, b: Any) -> Any:
        return a * b

    def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Any, ...]:
        return dy * b, dy * a


def complaint_of(op: type[cr.Primitive] | type[cr.Composite], check: str, **options: Any) -> str:
    """Return the one complaint about an op, which a check of this name makes."""
    report = check_op(op, **options)
    assert list(report.failed) == [check]
    return report.failed[check]


def test_importing_chainrule_loads_neither_the_checks_nor_the_rule_book() -> None:
    code = "import sys, chainrule; print(*sys.modules, sep='\\n'); chainrule.testing.check_op; chainrule.rule"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.splitlines())
    assert "chainrule.graph" in loaded
    assert not {"chainrule.testing", "chainrule.rulebook"} & loaded


def test_a_right_op_passes() -> None:
    class Squared(Unary):
        """Square, y = x²."""

    report = check_op(Squared, oracle=np.square)
    assert report
    assert report.ok and report.failed == {}
    assert repr(report) == "<squared: all checks hold>"
    assert {row.check for row in report.rows if row.skipped} == {"derived gradient"}
    report.raise_if_failed()


@pytest.mark.parametrize("given", [cr.softmax, "softmax", type(cr.softmax)])
def test_an_op_is_given_itself_by_its_class_or_by_its_name(given: Any) -> None:
    assert check_op(given).op == "softmax"


def test_what_is_no_op_is_refused() -> None:
    with pytest.raises(KindError, match=r"^check_op takes an op, its class or its name, not ufunc"):
        check_op(np.tanh)  # type: ignore[arg-type]  # what a user may pass


def test_without_an_oracle_the_report_says_so() -> None:
    assert "value                           skipped: no oracle was given" in str(check_op("tanh"))


def test_a_report_has_a_row_for_each_check() -> None:
    lines = str(check_op("tanh", oracle=np.tanh)).splitlines()
    assert lines[0] == "tanh: all 18 checks hold"
    assert lines[1] == "  shape                 3 cases   ok"
    assert len(lines) == 20


def test_a_value_that_is_not_the_oracle_s() -> None:
    class Squared(Unary):
        """Square, y = x²."""

    text = complaint_of(Squared, "value", oracle=lambda x: np.abs(x) ** 2.1)
    assert "the value differs from the oracle at [" in text
    assert "forward says" in text and "the oracle says" in text and "(x = " in text


def test_a_gradient_of_the_wrong_sign() -> None:
    class Squared(Unary):
        """Square, y = x²."""

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (-2 * dy * x,)

    report = check_op(Squared)
    text = report.failed["gradient"]
    assert text.startswith("x (3, 2): the gradient of x differs from central differences at [")
    assert "vjp says 2.94023, differences say −2.94023 (x = −0.998594, dy = 1.47219)" in text
    assert text.endswith("it has the wrong sign everywhere")
    with pytest.raises(AssertionError, match="1 of 14 checks fail"):
        report.raise_if_failed()
    assert not report
    assert "not before gradient holds: second derivative, gradient under JAX" in str(report)


def test_a_gradient_without_its_factor() -> None:
    class Squared(Unary):
        """Square, y = x²."""

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy * x,)

    assert complaint_of(Squared, "gradient").endswith("it is 0.5 times the differences everywhere")


def test_a_gradient_without_dy() -> None:
    class Squared(Unary):
        """Square, y = x²."""

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (2 * x,)

    assert complaint_of(Squared, "gradient").endswith("the factor dy is missing")


def test_a_primitive_without_a_vjp() -> None:
    class Root(cr.Primitive):
        """Cube root, y = ∛x."""

        signature = "... -> ..."
        domain = (cr.Domain(0.0),)

        def forward(self, xp: Any, x: Any) -> Any:
            return x ** (1 / 3)

    assert complaint_of(Root, "gradient").endswith("no vjp is written")


def test_a_wrong_second_operand_is_the_one_named() -> None:
    class Times(Binary):
        """Product, y = a b."""

        def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
            return dy * b, dy * a * a

    assert "the gradient of b differs from central differences" in complaint_of(Times, "gradient")


def test_swapped_gradients() -> None:
    class Times(Binary):
        """Product, y = a b."""

        def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
            return dy * a, dy * b

    assert complaint_of(Times, "gradient").endswith("it is the gradient of b")


def test_too_few_gradients() -> None:
    class Times(Binary):
        """Product, y = a b."""

        def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value]:
            return (dy * b,)

    assert "vjp returns 1 of 2 gradients" in complaint_of(Times, "vjp")


def test_a_gradient_of_another_shape() -> None:
    class Times(Binary):
        """Product, y = a b."""

        def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
            return dy * b, (dy * a).sum()

    assert "the gradient of b is real (), but b is real (3, 2)" in complaint_of(Times, "vjp")


def test_a_wrong_inferred_shape() -> None:
    class RowSum(cr.Primitive):
        """Sum of each row, y_i = Σ_j x_ij."""

        signature = "n k -> k"

        def forward(self, xp: Any, x: Any) -> Any:
            return xp.sum(x, axis=1)

    text = complaint_of(RowSum, "shape")
    assert text == "x (3, 2): the value has the shape (3), but (2) is inferred from the signature or by infer"


def test_an_infer_that_breaks_on_what_it_should_refuse() -> None:
    class Last(cr.Primitive):
        """The last column, y_i = x_ik."""

        signature = "n k -> n"

        def infer(self, *shapes: Any, **attributes: Any) -> Any:
            return (shapes[0][0],)

        def forward(self, xp: Any, x: Any) -> Any:
            return x[:, -1]

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (cr.outer(dy, cr.one_hot(cr.argmax(x * 0), size=x.shape[1])),)

    text = check_op(Last).failed["wrong shapes"]
    assert "x () should raise a ShapeError, but IndexError in infer, test_check_op.py:" in text


def test_an_infer_that_admits_too_much() -> None:
    class Gram(cr.Primitive):
        """Inner products of rows, Y = X Xᵀ."""

        signature = "n k -> n n"

        def infer(self, *shapes: Any, **attributes: Any) -> Any:
            return (*shapes[0][:1], *shapes[0][:1])

        def forward(self, xp: Any, x: Any) -> Any:
            return x @ x.T

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return ((dy + dy.T) @ x,)

    assert "x () are admitted, but raise ValueError" in complaint_of(Gram, "admitted shapes")


def test_a_condition_where_a_number_is_promised() -> None:
    class Positive(cr.Primitive):
        """Whether a number is positive, y = (x > 0)."""

        signature = "... -> ..."
        kinks = (0.0,)

        def forward(self, xp: Any, x: Any) -> Any:
            return x > 0

    assert check_op(Positive).failed["kind"].endswith("the op's kind is real, but forward returns bool")


def test_a_numpy_number_that_makes_float64_of_float32() -> None:
    class Grown(Unary):
        """A multiple, y = 2.5 x."""

        def forward(self, xp: Any, x: Any) -> Any:
            return np.float64(2.5) * x

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (2.5 * dy,)

    assert "forward returns float64 for operands in float32" in complaint_of(Grown, "float32")


class Bent(Unary, abstract=True):
    """Leaky rectifier, y = max(x, x/10)."""

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0.1 * x)

    def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
        return (dy * ((x > 0) + 0.1 * (x <= 0)),)


def test_a_kink_that_is_not_declared() -> None:
    class Leaky(Bent):
        """Leaky rectifier, y = max(x, x/10)."""

    text = complaint_of(Leaky, "kinks")
    assert "the derivative by x jumps from 0.1 to 1 at x = 0" in text
    assert text.endswith("kinks = (0.0,)")


def test_all_kinks_are_named() -> None:
    class Tent(Unary):
        """Tent, y = max(0, 1 − |x|)."""

        kinks = (1.0,)

        def forward(self, xp: Any, x: Any) -> Any:
            return xp.maximum(0.0, 1 - xp.abs(x))

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (-dy * cr.sign(x) * (cr.abs(x) < 1),)

    text = complaint_of(Tent, "kinks")
    assert "the derivative by x jumps from 0 to 1 at x = −1" in text
    assert text.endswith("kinks = (-1.0, 0.0, 1.0)")


def test_a_kink_that_is_declared() -> None:
    class Leaky(Bent):
        """Leaky rectifier, y = max(x, x/10)."""

        kinks = (0.0,)

    assert check_op(Leaky)


def test_a_kink_between_two_operands() -> None:
    class Distance(Binary):
        """Distance, y = |a − b|."""

        def forward(self, xp: Any, a: Any, b: Any) -> Any:
            return xp.abs(a - b)

        def vjp(self, dy: Value, y: Value, a: Value, b: Value) -> tuple[Value, Value]:
            return dy * cr.sign(a - b), dy * cr.sign(b - a)

    text = complaint_of(Distance, "kinks")
    assert "the derivative by a jumps from −1 to 1 at a = 0.788337 (b = 0.788337)" in text
    assert "branches" in text


def test_a_jump_of_the_value() -> None:
    class Below(cr.Primitive):
        """Greatest whole number below, y = ⌊x⌋."""

        signature = "... -> ..."

        def forward(self, xp: Any, x: Any) -> Any:
            return xp.floor(x)

    assert "the value jumps from −8 to −7 at x = −7, and elsewhere" in complaint_of(Below, "kinks")


def test_a_print_form_that_does_not_parse() -> None:
    class Ceiled(Unary):
        """Square, y = x²."""

        form = Fence(("⌈", "⌉"), ("ceil(", ")"), (r"\lceil ", r" \rceil"))

    text = complaint_of(Ceiled, "text")
    assert "the text does not read back: cannot read '⌈' here" in text
    assert "The line is: out = ⌈x0⌉" in text


def test_latex_with_a_bracket_left_open() -> None:
    class Open(Unary):
        """Square, y = x²."""

        form = Fence(("sqrt(", ")"), ("sqrt(", ")"), (r"\bar{", ""))

    assert "{ } do not balance in the LaTeX" in check_op(Open).failed["LaTeX"]


def test_a_number_that_forward_cannot_take() -> None:
    class Rounded(Unary):
        """Square of a truncated number, y = int(x)²."""

        def forward(self, xp: Any, x: Any) -> Any:
            return xp.asarray(x) * (1 if np.all(np.isfinite(x)) else int(np.max(x)))

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy,)

    text = check_op(Rounded).failed["extremes, one by one"]
    assert "operands full of inf: OverflowError in forward, test_check_op.py:" in text


def test_a_forward_that_knows_only_numpy() -> None:
    class Clipped(Unary):
        """Square, y = x², written with NumPy itself."""

        def forward(self, xp: Any, x: Any) -> Any:
            return np.square(np.asarray(x))

    assert "TracerArrayConversionError in forward" in check_op(Clipped).failed["value under JAX"]


def test_jax_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jax" else find(name))
    report = check_op("tanh")
    skipped = {row.check: row.skipped for row in report.rows}
    assert report
    assert skipped["value under JAX"] == skipped["gradient under JAX"] == "JAX is not installed"


class Cube(cr.Composite, abstract=True):
    """Cube, y = x³."""

    signature = "... -> ..."

    def definition(self, x: Value) -> Value:
        return x * x**2


def test_a_composite_needs_no_vjp() -> None:
    class Cubed(Cube):
        """Cube, y = x³."""

    report = check_op(Cubed, oracle=lambda x: np.power(x, 3))
    assert report
    assert "skipped: the gradient is derived from the definition" in str(report)


def test_a_composite_s_vjp_is_held_to_its_definition() -> None:
    class Cubed(Cube):
        """Cube, y = x³."""

        def vjp(self, *arguments: Any, **attributes: Any) -> tuple[Value]:
            dy, _, x = arguments
            return (2 * dy * x**2,)

    failed = check_op(Cubed).failed
    assert "it is 0.6667 times the differences everywhere" in failed["gradient"]
    assert "vjp says" in failed["derived gradient"]
    assert "the chain rule through the definition says" in failed["derived gradient"]


def test_an_attribute_takes_part() -> None:
    class Shifted(cr.Composite):
        """A multiple of an exponential, y = factor eˣ."""

        signature = "... -> ..."
        attributes = (Attribute("factor", "number", 3),)

        def definition(self, x: Value, *, factor: float) -> Value:
            return factor * cr.exp(x)

    assert check_op(Shifted, oracle=lambda x, factor: factor * np.exp(x))
    text = complaint_of(Shifted, "value", oracle=lambda x, factor: 3 * np.exp(x))
    assert text.startswith("x (3, 2), factor = 0.25: ")


def test_an_attribute_that_no_setting_suits() -> None:
    class Choosy(Unary):
        """Square, y = x²."""

        attributes = (Attribute("p", "number"),)

        def settle(self, shapes: Any, attributes: Any) -> Any:
            raise cr.ir.signature.MismatchError("never")

    text = complaint_of(Choosy, "cases")
    assert text == (
        "infer or settle refuses every shape made from the signature '... -> ...'; "
        "attributes tried by their types: p (number)"
    )


def test_a_settle_that_breaks() -> None:
    class Broken(Unary):
        """Square, y = x²."""

        def settle(self, shapes: Any, attributes: Any) -> Any:
            raise TypeError("no")

    assert "no cases can be made: TypeError in settle, test_check_op.py:" in complaint_of(Broken, "cases")


def test_the_seed_changes_the_operands() -> None:
    class Squared(Unary):
        """Square, y = x²."""

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy * x,)

    assert check_op(Squared, seed=1).failed["gradient"] != check_op(Squared).failed["gradient"]


def test_an_op_that_writes_into_its_operand() -> None:
    class Doubled(Unary):
        """Double, y = 2 x."""

        def forward(self, xp: Any, x: Any) -> Any:
            x *= 2
            return x

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (2 * dy,)

    assert "forward writes into its operand x" in complaint_of(Doubled, "operands")


def test_an_op_that_overflows_where_the_oracle_does_not() -> None:
    class NaiveSoftplus(Unary):
        """Softplus, y = log(1 + eˣ)."""

        def forward(self, xp: Any, x: Any) -> Any:
            return xp.log(1 + xp.exp(x))

        def vjp(self, dy: Value, y: Value, x: Value) -> tuple[Value]:
            return (dy * cr.sigmoid(x),)

    text = complaint_of(NaiveSoftplus, "far from 0", oracle=lambda x: np.logaddexp(0, x))
    assert "at x = 800 forward says inf, where the oracle is finite" in text
