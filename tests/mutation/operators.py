"""Finds the places of a C++ source where a mutant can be made, and makes their texts.

The syntax tree is libclang's; the texts are the source's own, by byte offset. What a place is worth is
decided by its kind alone, so the same source always has the same mutants in the same order.
"""

import dataclasses
import re
import typing

from clang.cindex import CursorKind as K, Diagnostic, Index, TranslationUnit, TypeKind

RELATIONAL = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"}
BITWISE = {"&": "|", "|": "&", "^": "&", "<<": ">>", ">>": "<<"}
ASSIGNED = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "&=": "=", "|=": "=", "^=": "="}
OPERATORS = sorted([*RELATIONAL, *ARITHMETIC, *BITWISE, *ASSIGNED, "&&", "||"], key=len)[::-1]

FUNCTIONS = {K.FUNCTION_DECL, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.CONVERSION_FUNCTION}
FUNCTIONS |= {K.FUNCTION_TEMPLATE}
IGNORED = {K.STATIC_ASSERT, K.TYPEDEF_DECL, K.TYPE_ALIAS_DECL, K.USING_DECLARATION, K.FRIEND_DECL}
IGNORED |= {K.TYPE_REF, K.TEMPLATE_REF, K.NAMESPACE_REF, K.USING_DIRECTIVE, K.NAMESPACE_ALIAS}
LOOPS = {K.FOR_STMT, K.WHILE_STMT, K.DO_STMT, K.CXX_FOR_RANGE_STMT}
NUMBERS = {TypeKind.DOUBLE, TypeKind.FLOAT, TypeKind.INT, TypeKind.LONG, TypeKind.SHORT}
NUMBER = re.compile(
    r"(?P<digits>0[xX][0-9a-fA-F']+|0[bB][01']+|(?:\d[\d']*)?\.?\d[\d']*\.?(?:[eE][+-]?\d+)?)"
    r"(?P<suffix>(?:_?[a-zA-Z]\w*)?)\Z"
)


@dataclasses.dataclass
class Mutant:
    """One change: `text` stands in the place of its site."""

    operator: str
    before: str
    after: str
    text: str
    line: int = 0
    constant: bool = False  # needed when compiling: a switch cannot reach it
    ident: int = 0
    state: str = ""


@dataclasses.dataclass
class Site:
    """A range of bytes [begin, end) of a source, with its mutants."""

    begin: int
    end: int
    form: str  # "value", "condition", "statement" or "guard" (inserted behind a condition's variable)
    at_run_time: bool  # within a constexpr function
    constant: bool
    demoted: int  # offset of the constexpr variable it initialises, or -1
    name: str = ""  # of a guard's variable
    mutants: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Found:
    """What a source has."""

    sites: list
    demotable: dict  # offset of `constexpr` -> (usr, what to write there)


class Context(typing.NamedTuple):
    constant: bool = False
    constexpr: bool = False
    demoted: int = -1
    loop: bool = False
    by_reference: bool = False


def blanked(text):
    """The source with spaces in the place of comments, strings and characters: same offsets."""
    pattern = (
        r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])+'"
    )

    def spaces(found):
        return re.sub(r"[^\n]", " ", found[0])

    return re.sub(pattern, spaces, text, flags=re.DOTALL)


def is_reserve(cursor):
    """`x.reserve(n)`: how much memory is taken at once is no behaviour that a test could see."""
    return cursor.kind == K.CALL_EXPR and cursor.spelling == "reserve"


def collapsed(text):
    text = re.sub(r"//[^\n]*\n", "\n", text)
    return re.sub(r"\s+", " ", text).strip()


class Finder:
    """Walks one source of a translation unit."""

    def __init__(self, unit, path, text):
        self.path = path
        self.text = text
        self.mask = blanked(text)
        self.sites = {}
        self.demotable = {}
        self.needed = set()  # what constants are made of, by their usr
        self.stack = []
        self.chains = set()
        self.operators = set()
        self.macros = []
        self.last_line = text.count("\n") + 1
        for cursor in unit.cursor.get_children():
            place = cursor.location.file
            if place is None or place.name != path:
                continue
            if cursor.kind == K.MACRO_INSTANTIATION:
                self.macros.append((cursor.extent.start.offset, cursor.extent.end.offset))
        for cursor in unit.cursor.get_children():
            place = cursor.location.file
            if place is not None and place.name == path:
                self.visit(cursor, Context())

    # ---- what is written down

    def range_of(self, cursor):
        extent = cursor.extent
        return extent.start.offset, extent.end.offset

    def add(
        self, begin, end, context, operator, text, form="value", before=None, after=None, name=""
    ):
        """One mutant of the site [begin, end), unless a macro made it."""
        if any(b <= begin and end <= e for b, e in self.macros) or end < begin:
            return
        key = (
            begin,
            end,
            "guard" if form == "guard" else "statement" if form == "statement" else "",
        )
        site = self.sites.get(key)
        if site is None:
            site = Site(
                begin, end, form, context.constexpr, context.constant, context.demoted, name
            )
            self.sites[key] = site
        elif form == "condition":
            site.form = form
        before = collapsed(self.text[begin:end]) if before is None else before
        after = collapsed(text) if after is None else after
        if before == after or any(m.after == after for m in site.mutants):
            return
        line = self.text.count("\n", 0, begin) + 1
        site.mutants.append(Mutant(operator, before, after, text, line, context.constant))

    # ---- the walk

    def visit(self, cursor, context):
        kind = cursor.kind
        if kind in IGNORED or kind.is_preprocessing() or is_reserve(cursor):
            return
        begin, end = self.range_of(cursor)
        if end <= begin or cursor.extent.start.file is None:
            return
        if cursor.extent.start.file.name != self.path:
            return
        if kind == K.COMPOUND_STMT and self.text[begin] != "{":
            return  # of a defaulted function
        if kind in FUNCTIONS:
            context = self.function(cursor, begin, end)
        elif kind == K.VAR_DECL:
            context = self.variable(cursor, begin, end, context)
        elif kind == K.FIELD_DECL:
            context = Context(constexpr=True)
        elif kind == K.ENUM_CONSTANT_DECL:
            context = Context(constant=True)
        elif kind == K.LAMBDA_EXPR:
            context = context._replace(loop=False, by_reference=False)
        elif kind in LOOPS:
            context = context._replace(loop=True)
        elif kind == K.SWITCH_STMT:
            context = context._replace(loop=False)
        self.mutate(cursor, kind, begin, end, context)
        children = list(cursor.get_children())
        self.stack.append((begin, end))
        for i, child in enumerate(children):
            self.visit(child, self.inner(cursor, kind, children, i, context))
        self.stack.pop()

    def inner(self, cursor, kind, children, i, context):
        """The context of a node's child."""
        child = children[i]
        begin = child.extent.start.offset
        if kind == K.CASE_STMT and i == 0:
            return context._replace(constant=True)
        if kind in FUNCTIONS | {K.VAR_DECL, K.FIELD_DECL} and begin < cursor.location.offset:
            return context._replace(constant=True)  # in the type
        if kind in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR) and child.kind.is_expression():
            named = self.text.startswith(cursor.spelling, cursor.location.offset)
            if named and (begin > cursor.location.offset or kind == K.DECL_REF_EXPR):
                return context._replace(constant=True)  # a template's argument
        if kind == K.FIELD_DECL and cursor.is_bitfield() and i == 0:
            return context._replace(constant=True)
        if kind == K.IF_STMT and self.mask.startswith("constexpr", cursor.extent.start.offset + 3):
            return context._replace(constant=begin < self.head(cursor.extent.start.offset)[1])
        return context

    def function(self, cursor, begin, end):
        body = self.mask.find("{", begin, end)
        head = self.mask[begin : body if body >= 0 else end]
        constexpr = re.search(r"\bconstexpr\b", head) is not None
        constant = re.search(r"\bconsteval\b", head) is not None
        by_reference = cursor.result_type.kind in (
            TypeKind.LVALUEREFERENCE,
            TypeKind.RVALUEREFERENCE,
        )
        return Context(constant=constant, constexpr=constexpr, by_reference=by_reference)

    def variable(self, cursor, begin, end, context):
        head = self.mask[begin : cursor.location.offset]
        found = re.search(r"\bconstexpr\b", head)
        if not found:
            return context._replace(demoted=-1)
        offset = begin + found.start()
        member = cursor.semantic_parent.kind in (K.CLASS_DECL, K.STRUCT_DECL, K.CLASS_TEMPLATE)
        self.demotable[offset] = (cursor.get_usr(), "inline const" if member else "const")
        return context._replace(constexpr=False, demoted=offset)

    def head(self, begin):
        """The offsets behind `(` and at `)` of a statement that begins so."""
        start = self.mask.index("(", begin) + 1
        depth = 1
        for at in range(start, len(self.mask)):
            depth += {"(": 1, ")": -1}.get(self.mask[at], 0)
            if depth == 0:
                return start, at
        return start, start

    # ---- the operators

    def mutate(self, cursor, kind, begin, end, context):
        text = self.text[begin:end]
        if context.constant or context.constexpr or context.demoted >= 0:
            self.note_needed(cursor, kind, context)
        if kind in (K.INTEGER_LITERAL, K.FLOATING_LITERAL):
            self.number(begin, end, context)
        elif kind == K.CALL_EXPR and cursor.spelling.startswith('operator""'):
            self.number(begin, end, context)
        elif kind == K.CXX_BOOL_LITERAL_EXPR and text in ("true", "false"):
            other = "false" if text == "true" else "true"
            if not (self.stack and self.loops_for_ever(begin)):
                self.add(begin, end, context, "constant", other)
        elif kind in (K.BINARY_OPERATOR, K.COMPOUND_ASSIGNMENT_OPERATOR):
            self.built_in(cursor, begin, end, context)
        elif kind == K.UNARY_OPERATOR:
            self.unary(cursor, begin, end, context)
        elif kind == K.DECL_REF_EXPR:
            self.reference(cursor, begin, end, context)
        elif kind == K.MEMBER_REF_EXPR:
            self.member(cursor, begin, end, context)
        elif kind == K.CALL_EXPR and cursor.spelling in ("min", "max"):
            self.least_or_most(cursor, begin, end, context)
        elif kind == K.CONDITIONAL_OPERATOR:
            self.condition(next(cursor.get_children()), context, ("!", "true", "false"))
        elif kind == K.IF_STMT:
            self.statement_head(cursor, begin, context, ("!", "true", "false"))
        elif kind == K.WHILE_STMT:
            self.statement_head(cursor, begin, context, ("!", "false"))
        elif kind == K.FOR_STMT:
            self.for_head(cursor, begin, context)
        elif kind == K.RETURN_STMT and not context.by_reference:
            for child in cursor.get_children():
                self.sign(child, context)
        elif kind == K.VAR_DECL and cursor.type.kind != TypeKind.LVALUEREFERENCE:
            self.initial_value(cursor, context)
        if kind == K.COMPOUND_STMT:
            for child in cursor.get_children():
                self.drop(child, context)
        elif kind in LOOPS | {K.IF_STMT, K.CASE_STMT, K.DEFAULT_STMT}:
            self.bodies(cursor, kind, begin, context)

    def note_needed(self, cursor, kind, context):
        """A constexpr variable that another constant is made of stays what it is."""
        if kind == K.DECL_REF_EXPR and (context.constant or context.constexpr):
            if cursor.referenced is not None and cursor.referenced.kind == K.VAR_DECL:
                self.needed.add(cursor.referenced.get_usr())

    def loops_for_ever(self, begin):
        return re.search(r"\bwhile\s*\(\s*\Z", self.mask[:begin]) is not None

    def number(self, begin, end, context):
        text = self.text[begin:end]
        found = NUMBER.match(text)
        if not found or self.is_template_argument(begin, end):
            if found and text[0].isdigit():
                context = context._replace(constant=True)
            else:
                return
        digits, suffix = found["digits"].replace("'", ""), found["suffix"]
        seen = set()
        if re.match(r"0[xXbB]|\d+\Z", digits):
            base = 16 if digits[:2] in ("0x", "0X") else 2 if digits[:2] in ("0b", "0B") else 10
            if base == 10 and len(digits) > 1 and digits[0] == "0":
                base = 8
            value = int(digits[2:] if base in (2, 16) else digits, base)
            seen.add(value)
            values = [value + 1, value - 1, value * 2, value // 2]
        else:
            value = float(digits)
            seen.add(value)
            values = [value + 1, value - 1, value * 2, value / 2]
        for other in values:
            if other in seen:
                continue
            seen.add(other)
            text = (
                f"{abs(other):#x}"
                if isinstance(other, int) and digits[:2] == "0x"
                else repr(abs(other))
            )
            text = ("-" if other < 0 else "") + text + suffix
            self.add(begin, end, context, "constant", text)

    def is_template_argument(self, begin, end):
        """By its neighbours: `get<0>(`, `array<char, 32>{`."""
        behind = self.mask[end:].lstrip()
        before = self.mask[:begin].rstrip()
        if behind.startswith(">") and not behind.startswith((">=", ">>")):
            opened = before.rfind("<")
            return (
                opened > 0
                and re.match(r"[\w:<>,\s*&]*\Z", before[opened + 1 :]) is not None
                and (self.mask[opened - 1].isalnum())
            )
        if before.endswith("<") and behind.startswith(","):
            return len(before) > 1 and before[-2].isalnum()
        return False

    def built_in(self, cursor, begin, end, context):
        children = list(cursor.get_children())
        if len(children) != 2:
            return
        left_end, right = children[0].extent.end.offset, children[1].extent.start.offset
        between = self.mask[left_end:right]
        operator = between.strip()
        at = left_end + len(between) - len(between.lstrip())
        if operator in ("&&", "||"):
            self.chain(cursor, begin, end, operator, context)
        elif operator == "=":
            self.sign(children[1], context)
        else:
            self.binary(operator, at, begin, end, context, "")

    def binary(self, operator, at, begin, end, context, types):
        """An operator with both operands, built in or overloaded."""
        self.operators.add((begin, end))
        behind = at + len(operator)

        def add(name, other):
            text = self.text[begin:at] + other + self.text[behind:end]
            self.add(begin, end, context, name, text)

        for other in RELATIONAL.get(operator, ()):
            add("relational", other)
        if operator in ARITHMETIC:
            of_texts = "basic_string" in types or "path" in types
            of_instants = operator == "-" and types.count("time_point") >= 2
            if not of_texts and not of_instants:
                add("arithmetic", ARITHMETIC[operator])
        elif operator in BITWISE and "stream" not in types:
            add("bitwise", BITWISE[operator])
        elif operator in ASSIGNED and "basic_string" not in types:
            add("assignment", ASSIGNED[operator])

    def chain(self, cursor, begin, end, operator, context):
        """`a && b && c`: without each of its operands."""
        if (begin, end) in self.chains:
            return

        def operands(node):
            children = list(node.get_children())
            here = self.range_of(node)
            if node.kind == K.BINARY_OPERATOR and len(children) == 2:
                between = self.mask[children[0].extent.end.offset : children[1].extent.start.offset]
                if between.strip() == operator:
                    self.chains.add(here)
                    return operands(children[0]) + operands(children[1])
            return [here]

        parts = operands(cursor)
        for i, (b, e) in enumerate(parts):
            others = [self.text[x:y] for x, y in parts[:i] + parts[i + 1 :]]
            text = f"static_cast<bool>({f' {operator} '.join(others)})"
            after = collapsed(f" {operator} ".join(others))
            self.add(begin, end, context, "dropped condition", text, after=after)

    def unary(self, cursor, begin, end, context):
        child = next(cursor.get_children(), None)
        if child is None:
            return
        text = self.text[begin:end]
        inner = self.text[child.extent.start.offset : end]
        if text.startswith("!") and not text.startswith("!="):
            text = f"static_cast<bool>({inner})"
            self.add(begin, end, context, "negated", text, after=collapsed(inner))
        elif text.startswith("-") and not text.startswith("--"):
            self.add(begin, end, context, "sign", inner)
        elif text.startswith("~"):
            self.add(begin, end, context, "bitwise", inner)
        elif text.startswith("++") and not text.endswith("++"):
            self.add(begin, end, context, "arithmetic", "--" + text[2:])
        elif text.startswith("--"):
            self.add(begin, end, context, "arithmetic", "++" + text[2:])
        elif text.startswith("&") and child.kind == K.DECL_REF_EXPR:
            if child.referenced is not None and child.referenced.kind == K.FIELD_DECL:
                self.wrong_member(child.referenced, begin, end, context)

    def reference(self, cursor, begin, end, context):
        target = cursor.referenced
        text = self.text[begin:end]
        if target is not None and target.kind == K.ENUM_CONSTANT_DECL:
            if self.is_case(begin):
                return
            names = [c.spelling for c in target.semantic_parent.get_children()]
            names = [n for n in names if n]
            if target.spelling in names and len(names) > 1 and text.endswith(target.spelling):
                other = names[(names.index(target.spelling) + 1) % len(names)]
                self.add(begin, end, context, "enumerator", text[: -len(target.spelling)] + other)
        elif cursor.spelling.startswith("operator") and text in OPERATORS + ["!", "~", "++", "--"]:
            self.overloaded(cursor, text, begin, end, context)

    def is_case(self, begin):
        return re.search(r"\bcase\s*\Z", self.mask[:begin]) is not None

    def overloaded(self, cursor, operator, at, behind, context):
        for begin, end in reversed(self.stack):
            if begin < at and end > behind:
                if (begin, end) not in self.operators:
                    self.binary(operator, at, begin, end, context, cursor.type.spelling)
                return
            if begin == at and end > behind:  # prefix
                inner = self.text[behind:end]
                if operator == "-":
                    self.add(begin, end, context, "sign", inner)
                elif operator == "++":
                    self.add(begin, end, context, "arithmetic", "--" + inner)
                return

    def member(self, cursor, begin, end, context):
        target = cursor.referenced
        if target is None or target.kind != K.FIELD_DECL:
            return
        if not self.text[begin:end].endswith(target.spelling):
            return
        # The object of `&S::a` is no place; unary() has it.
        self.wrong_member(target, begin, end, context)

    def wrong_member(self, target, begin, end, context):
        """The next member of the same type."""
        fields = [f for f in target.semantic_parent.type.get_fields() if f.spelling]
        kind = target.type.get_canonical().spelling
        same = [f.spelling for f in fields if f.type.get_canonical().spelling == kind]
        if target.spelling not in same or len(same) < 2 or target.is_bitfield():
            return
        other = same[(same.index(target.spelling) + 1) % len(same)]
        text = self.text[begin:end]
        self.add(begin, end, context, "member", text[: -len(target.spelling)] + other)

    def least_or_most(self, cursor, begin, end, context):
        open_at = self.mask.find("(", begin)
        head = self.text[begin:open_at]
        other = re.sub(
            r"\b(min|max)\b(?=\s*(?:<[^()]*>)?\s*\Z)",
            lambda m: {"min": "max", "max": "min"}[m[1]],
            head,
        )
        if other != head and begin <= open_at < end:
            self.add(begin, end, context, "min/max", other + self.text[open_at:end])

    def condition(self, cursor, context, variants):
        begin, end = self.range_of(cursor)
        text = self.text[begin:end]
        if text in ("true", "false") or end <= begin:
            return
        for variant in variants:
            if variant == "!":
                if not text.startswith("!"):  # unary() has that
                    self.add(begin, end, context, "negated", f"!({text})", "condition")
            else:
                self.add(begin, end, context, "condition", variant, "condition")

    def statement_head(self, cursor, begin, context, variants):
        if self.mask.startswith("constexpr", begin + 3):
            context = context._replace(constant=True)
        start, stop = self.head(begin)
        heads = [c for c in cursor.get_children() if start <= c.extent.start.offset < stop]
        if not heads:
            return
        variable = [c for c in heads if c.kind == K.VAR_DECL]
        if variable and ";" not in self.mask[start:stop]:
            at = variable[0].extent.end.offset
            text = f"; false /* {variable[0].spelling} */"
            before = collapsed(self.text[start:stop])
            self.add(
                at, at, context, "condition", text, "guard", before, "false", variable[0].spelling
            )
        elif not variable:
            last = max(heads, key=lambda c: (c.extent.end.offset, c.extent.start.offset))
            if last.kind.is_expression():
                self.condition(last, context, variants)

    def for_head(self, cursor, begin, context):
        start, stop = self.head(begin)
        semicolons = []
        depth = 0
        for at in range(start, stop):
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(self.mask[at], 0)
            if self.mask[at] == ";" and depth == 0:
                semicolons.append(at)
        if len(semicolons) != 2:
            return
        for child in cursor.get_children():
            if semicolons[0] < child.extent.start.offset < semicolons[1]:
                self.condition(child, context, ("false",))
                return

    def bodies(self, cursor, kind, begin, context):
        """Statements that stand without braces."""
        if kind in (K.CASE_STMT, K.DEFAULT_STMT):
            children = list(cursor.get_children())
            if children and (kind == K.DEFAULT_STMT or len(children) > 1):
                self.drop(children[-1], context)
            return
        if kind == K.DO_STMT:
            return
        stop = self.head(begin)[1]
        for child in cursor.get_children():
            if child.extent.start.offset > stop:
                self.drop(child, context)

    def drop(self, cursor, context):
        kind = cursor.kind
        begin, end = self.range_of(cursor)
        text = collapsed(self.text[begin:end])
        if is_reserve(cursor):
            return
        if kind.is_expression():
            pass
        elif kind == K.CONTINUE_STMT or (kind == K.BREAK_STMT and context.loop):
            pass
        else:
            return
        semicolon = self.mask.find(";", end)
        if semicolon < 0 or self.mask[end:semicolon].strip():
            return
        self.add(
            begin, semicolon + 1, context, "dropped statement", "", "statement", text, "nothing"
        )

    def sign(self, cursor, context):
        begin, end = self.range_of(cursor)
        text = self.text[begin:end]
        kind = cursor.type.get_canonical()
        number = kind.kind in NUMBERS or "esshub::Quantity<" in kind.spelling
        if (
            not number
            or "optional" in kind.spelling
            or "*" in kind.spelling
            or not cursor.kind.is_expression()
        ):
            return
        if (
            kind.kind == TypeKind.LVALUEREFERENCE
            or re.match(r"[-{\d.]", text)
            or text in ("true", "false")
        ):
            return
        if "{}" in re.sub(r"\s", "", text) or text.endswith("}"):
            return
        self.add(begin, end, context, "sign", f"-({text})", after=f"-({collapsed(text)})")

    def initial_value(self, cursor, context):
        if cursor.type.kind in (TypeKind.RVALUEREFERENCE, TypeKind.LVALUEREFERENCE):
            return
        children = [
            c for c in cursor.get_children() if c.extent.start.offset > cursor.location.offset
        ]
        if (
            len(children) == 1
            and "=" in self.mask[cursor.location.offset : children[0].extent.start.offset]
        ):
            self.sign(children[0], context)


def crossing_free(sites):
    """Sites in order, the outer before the inner; one that crosses another is left out."""
    kept, open_ends = [], []
    order = {"statement": 0, "guard": 2}
    for site in sorted(sites, key=lambda s: (s.begin, -s.end, order.get(s.form, 1))):
        if any(m.operator == "relational" for m in site.mutants):  # which negates as well
            site.mutants = [m for m in site.mutants if m.operator != "negated"]
        if not site.mutants:
            continue
        while open_ends and open_ends[-1] <= site.begin:
            open_ends.pop()
        if open_ends and site.end > open_ends[-1]:
            continue
        open_ends.append(site.end)
        kept.append(site)
    return kept


def find(source, arguments, wanted):
    """The places of `source` and of the headers it includes that `wanted` has: {path: Found}, and the usrs of
    the variables that constants are made of."""
    unit = Index.create().parse(
        source,
        args=arguments,
        options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD,
    )
    # What only one of two compilers refuses has a tree all the same.
    errors = [str(d) for d in unit.diagnostics if d.severity == Diagnostic.Fatal]
    if errors:
        raise RuntimeError("libclang: " + errors[0])
    paths = {source} | {i.include.name for i in unit.get_includes() if i.include.name in wanted}
    found, needed = {}, set()
    for path in sorted(paths):
        with open(path, encoding="latin-1", newline="") as file:
            finder = Finder(unit, path, file.read())
        found[path] = Found(crossing_free(finder.sites.values()), finder.demotable)
        needed |= finder.needed
    return found, needed
