"""How each function of elements is written in LLVM's instructions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chainrule.execute.native import mathematics
from chainrule.execute.native.arrays import BOOL, DOUBLE, INDEX, REAL, WORD, DType, Node
from chainrule.execute.native.code import Code, Register, element, is_float, lanes_of

_MOST_MULTIPLICATIONS = 64
_ORDER = ("i1", "i32", "i64", "float", "double")
COMPARED = {
    "less": ("olt", "slt"),
    "less_equal": ("ole", "sle"),
    "greater": ("ogt", "sgt"),
    "greater_equal": ("oge", "sge"),
    "equal": ("oeq", "eq"),
    "not_equal": ("une", "ne"),
}
_UNSIGNED = {"slt": "ult", "sle": "ule", "sgt": "ugt", "sge": "uge"}
_INSTRUCTIONS = {
    "bitwise_xor": "xor",
    "bitwise_or": "or",
    "bitwise_and": "and",
    "shift_left": "shl",
    "shift_right": "lshr",
}


def scalar_type(dtype: DType, real: str) -> str:
    """Return the type of a number in a register, where `real` is float or double.

    >>> scalar_type(REAL, "float"), scalar_type(BOOL, "float")
    ('float', 'i1')
    """
    return {REAL: real, DOUBLE: "double", INDEX: "i64", WORD: "i32", BOOL: "i1"}[dtype]


def memory_type(dtype: DType, real: str) -> str:
    """Return the type of a number in memory: as in a register, but a byte for a truth value."""
    return "i8" if dtype == BOOL else scalar_type(dtype, real)


def converted(code: Code, x: Register, to: str) -> Register:
    """Append what turns each element into another type."""
    of = element(x.type)
    if of == to:
        return x
    if is_float(of) and is_float(to):
        return code.convert("fpext" if of == "float" else "fptrunc", x, to)
    if is_float(to):
        return code.convert("sitofp" if of == "i64" else "uitofp", x, to)
    if to == "i1":
        zero = code.constant(x.type, 0)
        return code.compare("une" if is_float(of) else "ne", x, zero)
    if is_float(of):
        whole = code.convert("fptosi", x, "i64")
        return converted(code, whole, to)
    return code.convert("zext" if _ORDER.index(of) < _ORDER.index(to) else "trunc", x, to)


def compute(code: Code, node: Node, operands: Sequence[Register], real: str) -> Register:
    """Append a map's function of its operands, which may have other types than its result."""
    result = scalar_type(node.dtype, real)
    if node.function == "convert":
        return converted(code, operands[0], result)
    if node.function in COMPARED:
        return _compared(code, node.function, operands)
    if node.function == "where":
        condition = converted(code, operands[0], "i1")
        return code.select(condition, *(converted(code, x, result) for x in operands[1:]))
    if node.function in ("isnan", "isinf", "isfinite"):
        return mathematics.FUNCTIONS[node.function](code, operands[0])
    same = [converted(code, x, result) for x in operands]
    if node.function == "power":
        return _power(code, node, same)
    return _FUNCTIONS[node.function](code, *same)


def _compared(code: Code, name: str, operands: Sequence[Register]) -> Register:
    widest = max((element(x.type) for x in operands), key=_ORDER.index)
    floats, whole = COMPARED[name]
    predicate = floats if is_float(widest) else _UNSIGNED.get(whole, whole) if widest != "i64" else whole
    left, right = (converted(code, x, widest) for x in operands)
    return code.compare(predicate, left, right)


def _power(code: Code, node: Node, operands: Sequence[Register]) -> Register:
    base, exponent = operands
    known = node.inputs[1].node
    if known.kind == "number":
        number = known.detail
        if number == 2:
            return code.multiply(base, base)
        if float(number).is_integer() and abs(number) <= _MOST_MULTIPLICATIONS:
            return mathematics.power_by_whole(code, base, int(number))
    return mathematics.FUNCTIONS["power"](code, base, exponent)


def _negative(code: Code, x: Register) -> Register:
    return code.negate(x) if is_float(x.type) else code.subtract(code.constant(x.type, 0), x)


def _not(code: Code, x: Register) -> Register:
    return code.binary("xor", x, code.constant(x.type, -1))


def _instruction(opcode: str) -> Callable[..., Register]:
    return lambda code, a, b: code.binary(opcode, a, b)


_FUNCTIONS: Mapping[str, Callable[..., Register]] = {
    **mathematics.FUNCTIONS,
    "add": Code.add,
    "subtract": Code.subtract,
    "multiply": Code.multiply,
    "divide": Code.divide,
    "negative": _negative,
    "bitwise_not": _not,
    **{name: _instruction(opcode) for name, opcode in _INSTRUCTIONS.items()},
}


def combine(code: Code, name: str, total: Register, x: Register) -> Register:
    """Append one step of a reduction: sum, prod, max or min."""
    function = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}[name]
    return _FUNCTIONS[function](code, total, x)


def neutral(name: str) -> float:
    """Return what a reduction starts from."""
    return {"sum": 0.0, "prod": 1.0, "max": float("-inf"), "min": float("inf")}[name]


def folded(code: Code, name: str, x: Register) -> Register:
    """Append the reduction of a vector's elements, half after half."""
    lanes, scalar = lanes_of(x.type), element(x.type)
    while lanes > 1:
        lanes //= 2
        halves = [
            code.make(f"<{lanes} x {scalar}>", f"shufflevector {x}, {x.type} poison, {_places(first, lanes)}")
            for first in (0, lanes)
        ]
        x = combine(code, name, *halves)
    return code.make(scalar, f"extractelement {x}, i32 0")


def _places(first: int, count: int) -> str:
    return f"<{count} x i32> <" + ", ".join(f"i32 {first + i}" for i in range(count)) + ">"
