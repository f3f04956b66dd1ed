"""The table of checks that every op goes through, built-in or one's own."""

from __future__ import annotations

from chainrule.testing import kinks, limits, under_jax, values, writing
from chainrule.testing.check import Check

_WHOLE = ("shape", "vjp")
_RIGHT = (*_WHOLE, "gradient")

CHECKS: tuple[Check, ...] = (
    Check("shape", values.shape_is_inferred, scope="every case"),
    Check("kind", values.kind_is_stated),
    Check("operands", values.operands_are_left_alone, after=("shape",)),
    Check("value", values.value_agrees_with_oracle, values.no_oracle, ("shape",), "every case"),
    Check("vjp", values.vjp_fits_operands, values.not_real, ("shape",)),
    Check("gradient", values.gradient_agrees_with_differences, values.not_real, _WHOLE),
    Check("second derivative", values.second_derivative_agrees_with_differences, values.flat, _RIGHT),
    Check("derived gradient", values.written_vjp_is_the_derived_one, values.nothing_written, _WHOLE),
    Check("kinks", kinks.kinks_are_declared, kinks.nowhere_to_look, _WHOLE),
    Check("text", writing.text_reads_back, after=("vjp",)),
    Check("LaTeX", writing.latex_is_balanced, after=("vjp",)),
    Check("float32", limits.float32_stays_float32, after=_WHOLE),
    Check("wrong shapes", limits.wrong_shapes_are_refused, scope="op"),
    Check("admitted shapes", limits.admitted_shapes_run, after=("shape",), scope="op"),
    Check("far from 0", limits.far_values_agree_with_oracle, values.no_oracle, ("value",), "op"),
    Check("extremes", limits.extremes_do_not_crash, after=("shape",)),
    Check("extremes, one by one", limits.each_extreme_does_not_crash, after=_WHOLE, scope="op"),
    Check("value under JAX", under_jax.value_agrees_under_jax, under_jax.not_under_jax, ("shape",)),
    Check("gradient under JAX", under_jax.gradient_agrees_under_jax, under_jax.nothing_under_jax, _RIGHT),
)
