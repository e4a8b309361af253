#!/usr/bin/env python3
"""Checks that public names are explained and that files stay short.

    check_docs.py          prints `file:line: name has no doc comment`

- Every public name in a header of sonnet/ has a comment directly above it.
  Members and variables may have it behind them, or share that of the line
  above; overloads share that of the first one. Comparisons, constructors without
  parameters, destructors, what is defaulted or deleted, and the hooks that the
  library looks for in every module (HOOKS, names that end in _) need none.
- Every header of sonnet/ starts with `// File: <path below sonnet/>`.
- No file of sonnet/, examples/ or benchmarks/ is longer than 400 lines.

It reads text as clang-format leaves it in Google's style; it is no compiler.
"""

import dataclasses
import pathlib
import re
import sys

MAX_LINES = 400
HIDDEN_NAMESPACES = {"", "detail", "internal", "reflect_internal"}
HOOKS = {"class_name", "config_class", "holds_variables", "is_module",
         "num_options", "repr_name", "visit_fields"}
# Folders whose headers no user sees.
NOT_INSTALLED = {"testing", "goldens", "conformance", "compile_fail",
                 "compile_pass", "kernels"}


@dataclasses.dataclass
class Scope:
    path: tuple  # The names around.
    is_class: bool
    public: bool


@dataclasses.dataclass
class Symbol:
    """A declaration as it was read."""

    kind: str  # function, variable, alias, concept, struct, ...
    name: str
    parameters: str
    first: int  # Its lines, from 0.
    last: int
    scope: Scope
    needs_doc: bool


def blank(text):
    """`text` without comments, strings and preprocessor lines, as spaces of
    the same length, and the numbers of the lines that have a comment."""
    commented = set()

    def spaces(match):
        found = match.group(0)
        if found.startswith("/"):
            line = text.count("\n", 0, match.start())
            commented.update(range(line, line + found.count("\n") + 1))
        return re.sub(r"[^\n]", " ", found)

    code = re.sub(
        r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|/\*(?:.|\n)*?\*/", spaces, text)
    code = re.sub(r"^[ ]*#(?:.*\\\n)*.*", spaces, code, flags=re.MULTILINE)
    return code, commented


def flatten(head):
    """A declaration on one line without what is inside (), <> and {}."""
    text = " ".join(head.split())
    text = re.sub(r"operator ?(\(\)|[<>=!]+)",
                  lambda m: "operator_call" if m.group(1) == "()" else
                  "operator_compare" if m.group(1) not in ("<<", ">>") else
                  "operator_shift", text)
    text = re.sub(r"\[\[.*?\]\] ?", "", text).replace("->", "@")
    for inside in (r"\{[^{}]*\}", r"\([^()]*\)"):
        mark = inside[1] + inside[-1]
        while (shorter := re.sub(inside, "\1\2", text)) != text:
            text = shorter
        text = text.replace("\1\2", mark)
    while (shorter := re.sub(r" ?<[^<>]*>", "", text)) != text:
        text = shorter
    text = re.sub(r"\b(decltype|explicit|noexcept|alignas)\(\) ?", "", text)
    atom = r"!?(requires ?(\(\))? ?\{\}|\(\)|[\w:]+(\(\))?)"
    text = re.sub(rf"\brequires ?{atom}( (&&|\|\|) {atom})* ?", "", text)
    return re.sub(r"^(template|friend|static|inline|constexpr|extern) ", "",
                  re.sub(r"^(template )+", "", text))


def classify(head):
    """(kind, name, whether it needs a comment) of a declaration."""
    raw = " ".join(head.split())
    if re.match(r"template (?!<)|extern template|static_assert|"
                r"using namespace|friend (class|struct)|"
                r"using (?!\w+ (\[\[.*\]\] )?=)", raw):
        return "nothing", "", False
    text = flatten(head)
    if found := re.match(r"(using|concept) (\w+)", text):
        return "alias", found.group(2), True
    if found := re.match(r"(enum|struct|class|union) (?:class |struct )?"
                         r"([\w:]+)( final)?( ?:.*)?( ?\{\})?$", text):
        return found.group(1), found.group(2), True
    before = re.split(r"=", text)[0].strip()
    if found := re.search(r"(operator[^()]*|~?[\w:]+) ?\(\)", before):
        name = found.group(1).strip()
        if before.startswith(name) and "@" in before:
            return "nothing", "", False  # A deduction guide.
        trivial = (re.search(r"= (default|delete)$", text) or
                   name.startswith("~") or name == "operator_compare")
        return "function", name, not trivial
    if found := re.search(r"(\w+) ?(\[.*\]|\{\}|: \d+)?$", before):
        return "variable", found.group(1), True
    return "nothing", "", False


class Reader:
    """Collects the declarations of a header."""

    def __init__(self, text):
        self.code, self.commented = blank(text)
        self.lines = self.code.split("\n")
        self.symbols = []
        self.read(0, Scope((), False, False))

    def line(self, position):
        return self.code.count("\n", 0, position)

    def closing(self, position):
        """The position behind the brace that closes the one at `position`."""
        depth = 0
        for match in re.compile(r"[{}]").finditer(self.code, position):
            depth += 1 if match.group() == "{" else -1
            if depth == 0:
                return match.end()
        return len(self.code)

    def read(self, position, scope):
        """Reads declarations up to the brace that closes `scope`."""
        begin = self.skip_space(position)
        position, parens = begin, 0
        while position < len(self.code):
            c = self.code[position]
            parens += (c in "([") - (c in ")]")
            head = self.code[begin:position]
            done = None
            if parens > 0:
                pass
            elif c == "}":
                return position + 1
            elif c == ";":
                self.add(head, begin, position, scope)
                done = position + 1
            elif c == ":" and head in ("public", "private", "protected"):
                scope.public = head == "public" and scope.path[-1] is not None
                done = position + 1
            elif c == "{":
                position, finished = self.open(head, begin, position, scope)
                if finished:
                    done = position
                position -= 1
            position += 1
            if done is not None:
                begin = position = self.skip_space(done)
        return position

    def skip_space(self, position):
        return position + len(self.code[position:]) - len(
            self.code[position:].lstrip())

    def open(self, head, begin, position, scope):
        """Handles a brace: where to go on, and whether the declaration ended."""
        text = flatten(head)
        if found := re.match(r"(?:inline )?namespace ?([\w:]*)", text):
            names = found.group(1).split("::")
            inside = Scope(scope.path + tuple(names), False,
                           (scope.public or names[0] == "snt") and
                           not HIDDEN_NAMESPACES & set(names))
            if scope.path and not scope.public:
                inside.public = False
            return self.read(position + 1, inside), True
        kind, name, _ = classify(head)
        if kind in ("struct", "class", "union"):
            self.add(head, begin, position, scope)
            # What Traits and std's specialisations hold is explained elsewhere.
            known = not scope.public or re.match(r"std::|\w*Traits$", name)
            inside = Scope(scope.path + (None if known else name,), True,
                           not known and kind != "class")
            end = self.read(position + 1, inside)
            return self.code.index(";", end) + 1, True
        end = self.closing(position)
        init_list = re.search(r"\) ?:[^:]", text) and re.match(
            r"[\w>]", self.code[position - 1])
        if (kind == "function" and "=" not in text.split("()")[0] and
                not re.search(r"\brequires ?(\(\))?$", text.strip()) and
                not init_list):
            self.add(head, begin, end - 1, scope)
            return end, True
        return end, False  # An initialiser or a requires-expression.

    def add(self, head, begin, end, scope):
        kind, name, needs_doc = classify(head)
        is_type = kind in ("enum", "struct", "class", "union")
        if is_type and self.code[end] == ";" and "{" not in head:
            return  # A forward declaration.
        if "::" in name or (scope.is_class and (name in HOOKS or
                                                name.endswith("_"))):
            needs_doc = False  # Explained elsewhere.
        if kind == "function" and scope.is_class and name == scope.path[-1] and \
                re.search(r"\(\s*\)", head):
            needs_doc = False
        inside = re.search(r"\((.*)\)", re.sub(r"\s*=[^,)]*", "", head), re.S)
        self.symbols.append(Symbol(
            kind, name.replace("operator_call", "operator()"),
            "".join(inside.group(1).split()) if inside else "",
            self.line(begin), self.line(end), scope,
            needs_doc and scope.public))


def undocumented(text):
    """(line from 1, name) of each public name without a comment."""
    reader = Reader(text)
    explained, missing, last = set(), [], None
    for symbol in reader.symbols:
        above = symbol.first - 1
        has_doc = above in reader.commented and not reader.lines[above].strip()
        in_group = symbol.scope.is_class or symbol.kind in ("alias", "variable")
        if in_group and not has_doc:
            has_doc = bool({symbol.first, symbol.last} & reader.commented)
        if not has_doc and last and last[0].scope is symbol.scope and last[1]:
            overload = symbol.kind == "function" and last[0].name == symbol.name
            has_doc = overload or (
                in_group and last[0].last + 1 == symbol.first)
        last = (symbol, has_doc)
        key = (symbol.scope.path, symbol.name, symbol.parameters)
        if has_doc:
            explained.add(key)
        elif symbol.needs_doc:
            missing.append((symbol.first + 1, symbol.name, key))
    return [(line, name) for line, name, key in missing if key not in explained]


def check(root):
    """All complaints about the project in `root`."""
    found = []
    files = [path for folder in ("sonnet", "examples", "benchmarks")
             for path in sorted((root / folder).rglob("*"))
             if path.suffix in (".h", ".cc")]
    for path in files:
        name = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        length = text.count("\n")
        if length > MAX_LINES:
            found.append(f"{name}:{length}: longer than {MAX_LINES} lines")
        if name.parts[0] != "sonnet" or path.suffix != ".h":
            continue
        banner = f"// File: {name.relative_to('sonnet')}"
        if text.split("\n", 1)[0] != banner:
            found.append(f"{name}:1: the first line must be `{banner}`")
        if (not NOT_INSTALLED & set(name.parts) and
                not name.stem.endswith("_test")):
            found += [f"{name}:{line}: {symbol} has no doc comment"
                      for line, symbol in undocumented(text)]
    return found


if __name__ == "__main__":
    complaints = check(pathlib.Path(__file__).resolve().parent.parent)
    print("\n".join(complaints), end="\n" if complaints else "")
    sys.exit(1 if complaints else 0)
