"""Reading declarations: sizes, leaves with their shapes, outputs, abstract functions."""

from __future__ import annotations

from chainrule.ir.shape import Shape, Size
from chainrule.notation import syntax
from chainrule.notation.cursor import Cursor

KINDS = ("real", "index", "bool")
_MOST_AXES = 32


class DeclarationReader(Cursor):
    """Reads one declaration; each method's docstring is the rule of the grammar that it reads."""

    def declaration(self) -> syntax.Declaration:
        """declaration := keyword item (',' item)*"""
        start = self.expect_name("a declaration")
        item = {
            "sizes": self.plain_name,
            "outputs": self.plain_name,
            "scalar": self.plain_name,
            "function": self.abstract_function,
        }.get(start.text, self.declared)
        items = self.separated(item)
        return syntax.Declaration(start.text, tuple(items), self.span(start))

    def plain_name(self) -> syntax.Declared:
        """Read a declared item that is a name alone."""
        token = self.expect_name("a name")
        return syntax.Declared(token.text, (), "real", False, self.span(token))

    def abstract_function(self) -> syntax.Declared:
        """item := name '(' name (',' name)* ')'"""
        token = self.expect_name("the name of a function, as in f(z)")
        self.expect("(", f"( and the arguments of {token.text}, as in {token.text}(z)")
        arguments = self.separated(lambda: self.expect_name("the name of an argument").text)
        self.expect(")", ") or a comma and one more argument")
        return syntax.Declared(token.text, tuple(arguments), "real", False, self.span(token))

    def declared(self) -> syntax.Declared:
        """item := name ':' shape (kind | 'frozen')*"""
        token = self.expect_name("a name")
        self.expect(":", f": and the shape of {token.text}, as in {token.text} : (m, 3)")
        shape = self.shape()
        words: list[str] = []
        while self.here.kind == "name":
            words.append(self.word("index, bool or frozen", (*KINDS, "frozen")))
        kinds = [word for word in words if word in KINDS]
        return syntax.Declared(
            token.text, shape, kinds[0] if kinds else "real", "frozen" in words, self.span(token)
        )

    def word(self, meaning: str, known: tuple[str, ...]) -> str:
        """Read one of the words known here."""
        if self.here.text not in known:
            self.fail(meaning)
        return self.expect_name(meaning).text

    def shape(self) -> Shape:
        """shape := '(' [size (',' size)*] ')'"""
        start = self.expect("(", "a shape in brackets, such as (m, 3)")
        sizes = [] if self.sees(")") else self.separated(self.size, ")")
        if len(sizes) > _MOST_AXES:
            self.fail(f"at most {_MOST_AXES} axes", f"a shape has no {len(sizes)} axes.", start)
        self.expect(")", ") or a comma and one more size")
        return tuple(sizes)

    def shapes(self) -> tuple[Shape, ...]:
        """shapes := '(' shape (',' shape)* ')'"""
        self.expect("(")
        shapes = self.separated(self.shape)
        self.expect(")", ") or a comma and one more list of axes")
        return tuple(shapes)

    def size(self) -> Size:
        """size := whole number | letter"""
        token = self.here
        minus = self.take("-")
        if self.here.kind == "number" and self.here.text.isdigit():
            self.at += 1
            return int(("-" if minus else "") + self.tokens[self.at - 1].text)
        if minus:
            self.fail("a size: a whole number or a letter", token=token)
        return self.expect_name("a size: a whole number or a letter").text
