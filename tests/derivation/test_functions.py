"""Abstract functions: which known ones stand for them."""

from __future__ import annotations

import pytest

from chainrule.derivation.check import check
from chainrule.derivation.functions import instances


@pytest.mark.parametrize("count", range(1, 20))
@pytest.mark.parametrize("arity", [1, 2])
def test_each_function_has_two_choices_and_no_two_functions_have_the_same(count: int, arity: int) -> None:
    losses = min(count, 2) if arity == 2 else 0
    names = {f"f{i}": 1 for i in range(count)} | {f"l{i}": 2 for i in range(losses)}
    first, second = instances(names)
    chosen = {name: (first[name].name, second[name].name) for name in names}
    assert all(one != other for one, other in chosen.values())
    assert len(set(chosen.values())) == len(chosen)


@pytest.mark.parametrize("others", range(6))
def test_a_rule_for_one_loss_is_never_taken_for_a_rule_for_any(others: int) -> None:
    functions = "".join(f", f{i}(z)" for i in range(others))
    layers = "".join(f"a{i + 1} = f{i}(a{i})\n" for i in range(others))
    report = check(
        f"sizes n\ndata x : (n), y : (n)\nfunction l(o, y){functions}\n"
        f"a0 = 2 x\n{layers}J = l(a{others}, y)\nda{others} = a{others} − y\nda{others} = l'(a{others}, y)\n"
    )
    assert [str(claim.verdict) for claim in report.claims] == ["right only if", "right"]
