"""From tokens to syntax trees: recursive descent with bounded depth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

from chainrule.errors import KindError, nearest
from chainrule.ir.names import normalized
from chainrule.ir.registry import every_op, is_function, lookup
from chainrule.notation import syntax
from chainrule.notation.declarations import KINDS, DeclarationReader
from chainrule.notation.depth import beyond
from chainrule.notation.dialect import PLAIN, Dialect
from chainrule.notation.syntax import Expression, Statement
from chainrule.notation.tokens import Token, normalize_text, tokenize

_DEEPEST = 60
_DEEPEST_TREE = 120
_MOST_DIGITS_RAISED = 60
_MOST_MARKS = 20
_COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")
_FACTOR_SIGNS = (".*", "/", "@", "*", "·")
_LITERALS = {"true": True, "false": False, "none": None}
_NO_FUNCTIONS: Mapping[str, int] = MappingProxyType({})


def parse_statements(text: str, source: str = "", dialect: Dialect = PLAIN) -> list[Statement]:
    """Return the statements of a document; a line goes on while a bracket is open.

    Raises:
        ParseError: with line, column, what was read and what was expected.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # what a user may pass
        raise KindError(f"equations are text, not {type(text).__name__}.")
    lines = normalize_text(text).splitlines()
    statements: list[Statement] = []
    gathered: list[Token] = []
    still_open = 0
    for number, line in enumerate(lines, start=1):
        tokens = tokenize(line, number, source)
        gathered += tokens[:-1]
        still_open += open_brackets(tokens)
        if gathered and (still_open <= 0 or number == len(lines)):
            statements.append(parse_statement([*gathered, tokens[-1]], lines, source, dialect))
            gathered, still_open = [], 0
    return statements


def parse_statement(
    tokens: list[Token],
    lines: list[str],
    source: str = "",
    dialect: Dialect = PLAIN,
    functions: Mapping[str, int] = _NO_FUNCTIONS,
) -> Statement:
    """Return the one statement that tokens make, the last of which is an `end`.

    Args:
        tokens: of the statement.
        lines: of the whole document, for messages.
        source: name of the file, for messages.
        dialect: how things are written.
        functions: abstract functions that may be applied, with the number of their arguments.

    Raises:
        ParseError: with line, column, what was read and what was expected.
    """
    return _Parser(tokens, lines, source, dialect, functions).statement()


def open_brackets(tokens: list[Token]) -> int:
    """Return how many brackets are open after the tokens."""
    return sum((t.text in "([") - (t.text in ")]") for t in tokens if t.kind == "sign" and len(t.text) == 1)


class _Parser(DeclarationReader):
    """Reads one statement; each method's docstring is the rule of the grammar that it reads."""

    def __init__(
        self,
        tokens: list[Token],
        lines: list[str],
        source: str,
        dialect: Dialect,
        functions: Mapping[str, int],
    ) -> None:
        super().__init__(tokens, lines, source)
        self.dialect, self.functions = dialect, functions
        self.depth = self.inside_norm = 0

    def statement(self) -> Statement:
        """statement := declaration | equation"""
        first = self.here
        follows = self.tokens[1] if len(self.tokens) > 1 else first
        declares = first.kind == "name" and first.text in self.dialect.keywords
        if declares and not (follows.kind == "sign" and follows.text in ("=", "←", "<")):
            statement: Statement = self.declaration()
        else:
            statement = self.equation()
        if self.here.kind != "end":
            self.fail("an operator or the end of the line")
        return statement

    def equation(self) -> syntax.Equation:
        """equation := name ('=' | '←') expression [':' shape [kind]]"""
        start = self.expect_name("a name, as in Z1 = R1 + b1")
        arrow = self.take("←")
        if not arrow and self.sees("<") and self.tokens[self.at + 1].text == "-":
            self.at += 2
            arrow = start
        if not arrow:
            self.expect("=", "= or ←")
        right = self.expression()
        if deep := beyond(right, _DEEPEST_TREE):
            token = next(t for t in self.tokens if (t.line, t.start) == (deep.span.line, deep.span.start))
            self.fail("fewer brackets and marks", "this stands too deep within other expressions.", token)
        shape = self.shape() if self.take(":") else None
        if shape is not None and self.here.kind == "name":
            self.word("index or bool", KINDS)
        return syntax.Equation(start.text, right, shape, arrow is not None, self.span(start))

    def expression(self) -> Expression:
        """expression := sum [comparison sum]"""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail("fewer brackets", f"brackets are nested more than {_DEEPEST} deep.")
        start = self.here
        left = self.sum()
        if self.here.kind == "sign" and self.here.text in _COMPARISONS:
            sign = self.here.text
            self.at += 1
            left = syntax.Infix(sign, left, self.sum(), self.span(start))
        self.depth -= 1
        return left

    def sum(self) -> Expression:
        """sum := term (('+' | '−') term)*"""
        start = self.here
        left = self.term()
        while sign := self.take("+", "-"):
            left = syntax.Infix(sign.text, left, self.term(), self.span(start))
        return left

    def term(self) -> Expression:
        """term := '−'* ['+'] product"""
        start = self.here
        minuses = 0
        while self.take("-"):
            minuses += 1
        self.take("+")
        operand = self.product()
        return syntax.Negation(operand, self.span(start)) if minuses % 2 else operand

    def product(self) -> Expression:
        """product := factor ([sign] factor)*"""
        start = self.here
        factors, signs = [self.factor()], list[str]()
        while True:
            if sign := self.take(*_FACTOR_SIGNS):
                signs.append("*" if sign.text == "·" else sign.text)
            elif self.starts_factor():
                signs.append("")
            else:
                break
            factors.append(self.factor())
        if not signs:
            return factors[0]
        return syntax.Product(tuple(factors), tuple(signs), self.span(start))

    def starts_factor(self) -> bool:
        """Tell whether the next token begins a factor by itself, without a sign before it."""
        if self.here.kind in ("number", "name", "sigma"):
            return True
        opens = self.sees("(") or (self.sees("[") and not self.here.tight)
        return opens or (self.sees("||") and not self.inside_norm)

    def factor(self) -> Expression:
        """factor := 'Σ' letter product | postfix"""
        if self.here.kind == "sigma":
            start = self.here
            self.at += 1
            return syntax.SumOver(start.text, self.product_in_sum(), self.span(start))
        return self.postfix()

    def product_in_sum(self) -> Expression:
        """Read what a sum extends over: the rest of the product."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail("fewer sums within sums")
        operand = self.product()
        self.depth -= 1
        return operand

    def postfix(self) -> Expression:
        """postfix := atom ('ᵀ' | raised number | '^' exponent)*"""
        start = self.here
        operand = self.atom()
        marks: list[str] = []
        while True:
            raises = self.here.kind == "raised" or self.sees("^")
            if raises and marks[-1:] == ["power"]:
                self.fail("brackets, (a^b)^c or a^(b^c)", "a power of a power could be read in two ways.")
            if len(marks) > _MOST_MARKS:
                self.fail("fewer marks after one symbol", "too many exponents and transposes in a row.")
            transposes = not raises or (self.sees("^") and self.tokens[self.at + 1].text == "T")
            marks.append("transpose" if transposes else "power")
            if self.here.kind == "raised":
                token = self.here
                self.at += 1
                exponent = self.raised_number(token)
                operand = syntax.Power(operand, exponent, self.span(start))
            elif self.take("ᵀ"):
                operand = syntax.Transpose(operand, self.span(start))
            elif self.take("^"):
                operand = self.after_caret(operand, start)
            elif self.sees("'"):
                self.fail("ᵀ or ^T for a transpose; f'(x) for the derivative of a function")
            else:
                return operand

    def raised_number(self, token: Token) -> Expression:
        """Return a raised number as an exponent."""
        number = syntax.Number(token.text.removeprefix("-"), self.span(token))
        if not number.text.isdigit() or len(number.text) > _MOST_DIGITS_RAISED:
            self.fail("a whole exponent of a few digits", token=token)
        return syntax.Negation(number, self.span(token)) if token.text[0] == "-" else number

    def after_caret(self, operand: Expression, start: Token) -> Expression:
        """Read what follows '^': T for a transpose, else an exponent."""
        token = self.here
        if token.kind == "name" and token.text == "T":
            self.at += 1
            return syntax.Transpose(operand, self.span(start))
        minus = self.take("-")
        exponent = self.atom()
        if minus:
            exponent = syntax.Negation(exponent, self.span(token))
        return syntax.Power(operand, exponent, self.span(start))

    def atom(self) -> Expression:
        """atom := number | name | call | '(' sum ')' | '[' sum ']' | '1[' comparison ']' | '‖' sum '‖²'"""
        token = self.here
        if token.kind == "number":
            self.at += 1
            if token.text == "1" and self.sees("[") and self.here.tight:
                return self.fenced("indicator", token, "[", "]")
            return syntax.Number(token.text, self.span(token))
        if token.kind == "name":
            return self.name_or_call()
        if self.take("(", "["):
            self.inside_norm, outside = 0, self.inside_norm
            inner = self.expression()
            self.inside_norm = outside
            if self.sees(","):
                self.refuse_unknown_call(token)
            closing = {"(": ")", "[": "]"}[token.text]
            self.expect(closing, f"{closing} or an operator")
            return inner
        if self.take("||"):
            return self.norm(token)
        return self.fail("a name, a number, a function or a bracket")

    def refuse_unknown_call(self, bracket: Token) -> None:
        """Explain a comma after f(x where f is no function."""
        before = self.tokens[self.tokens.index(bracket) - 1]
        if before.kind == "name" and bracket.tight:
            self.refuse_function(before)

    def refuse_function(self, token: Token) -> NoReturn:
        """Say that there is no such function, which are declared, and which op has a similar name."""
        fix = nearest(token.text, self.functions, filter(is_function, (op.name for op in every_op())))
        fix = "" if fix.startswith("Nothing") else fix
        self.fail("a function", f"there is no function {token.text}. {fix}".rstrip(), token)

    def fenced(self, op: str, start: Token, opening: str, closing: str) -> Expression:
        """Read an operand between two signs."""
        self.expect(opening)
        operand = self.expression()
        self.expect(closing, f"{closing} or an operator")
        return syntax.Fenced(op, operand, self.span(start))

    def norm(self, start: Token) -> Expression:
        """Read the rest of ‖x‖² or ‖x‖₁."""
        self.inside_norm += 1
        operand = self.expression()
        self.inside_norm -= 1
        self.expect("||", "‖ or an operator")
        op = self.which_norm()
        self.at += 1
        return syntax.Fenced(op, operand, self.span(start))

    def which_norm(self) -> str:
        """Tell by the next token, ² or ₁, which norm was read."""
        if self.here.kind == "lowered" and self.here.text == "1":
            return "l1_norm"
        squared = self.here.kind == "raised" and self.here.text == "2"
        if not squared and self.take("^"):
            squared = self.here.kind == "number" and self.here.text == "2"
        return "squared_norm" if squared else self.fail("² or ₁ after ‖…‖, to say which norm it is")

    def name_or_call(self) -> Expression:
        """call := function ["'"] '(' arguments ')'; any other name stands for itself."""
        token = self.expect_name("a name")
        if token.text == "size" and self.take("("):
            letter = self.expect_name("the letter of a size")
            self.expect(")")
            name = syntax.Name(letter.text, self.span(letter))
            return syntax.Call("size", (name,), (), False, self.span(token))
        abstract = self.functions.get(normalized(token.text))
        if abstract is None and not is_function(token.text):
            if self.sees("'") and self.tokens[self.at + 1].text == "(":
                self.refuse_function(token)
            return syntax.Name(token.text, self.span(token))
        derivative = self.take("'") is not None
        if not self.sees("("):
            self.fail(f"( and what {token.text} is applied to")
        if abstract is not None:
            return self.abstract_call(token, abstract, derivative)
        op = lookup(token.text)
        by_place = bool(op.attributes) and not op.variadic
        arguments, settings = self.arguments(op.arity, takes_settings=by_place)
        return syntax.Call(token.text, arguments, settings, derivative, self.span(token))

    def abstract_call(self, function: Token, arity: int, derivative: bool) -> Expression:
        """Read what an abstract function is applied to."""
        arguments, _ = self.arguments(arity, takes_settings=False)
        if len(arguments) != arity:
            self.fail(f"{arity} argument{'s' * (arity != 1)} of {function.text}", token=function)
        name = normalized(function.text)
        return syntax.Call(name, arguments, (), derivative, self.span(function))

    def arguments(
        self, arity: int, *, takes_settings: bool
    ) -> tuple[tuple[Expression, ...], tuple[syntax.Setting, ...]]:
        """Read a call's operands, then its attributes."""
        self.expect("(")
        outside, self.inside_norm = self.inside_norm, 0
        arguments: list[Expression] = []
        settings: list[syntax.Setting] = []
        while not self.sees(")"):
            if (arguments or settings) and not self.take(","):
                self.fail(") or a comma")
            follows = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            named = self.here.kind == "name" and follows.kind == "sign" and follows.text == "="
            if named or (takes_settings and len(arguments) >= arity):
                settings.append(self.setting(named))
            else:
                arguments.append(self.expression())
        self.expect(")")
        self.inside_norm = outside
        return tuple(arguments), tuple(settings)

    def setting(self, named: bool) -> syntax.Setting:
        """setting := [attribute '='] literal"""
        start = self.here
        name = ""
        if named:
            name = self.expect_name("an attribute").text
            self.expect("=")
        return syntax.Setting(name, self.literal(), self.span(start))

    def literal(self) -> object:
        """Read an attribute's value: a number, a letter, a flag, or a tuple of whole numbers and letters."""
        if self.sees("("):
            return self.shapes() if self.tokens[self.at + 1].text == "(" else self.shape()
        if self.here.kind == "name" and self.here.text.lower() in _LITERALS:
            return _LITERALS[self.expect_name("a value").text.lower()]
        number = self.tokens[self.at + self.sees("-")]
        if number.kind != "number" or number.text.isdigit():
            return self.size()
        sign = -1 if self.take("-") else 1
        self.at += 1
        return sign * float(number.text)
