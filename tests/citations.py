"""Fails on a citation of docs/reference that does not resolve, and on a dead link in a document.

A citation is `reference: vebus-mk3#8.1`: a file of docs/reference and the number of a heading in
it; `reference: vebus-mk3#2 rule 3` is also an entry of the numbered list under that heading.
Usage: citations.py ROOT
"""

import pathlib
import re
import sys

SOURCES = {".cpp", ".hpp", ".js", ".css", ".html", ".py", ".toml", ".cmake", ".md", ".txt", ""}
HEADING = re.compile(r"^#+ (?:(\d+(?:\.\d+)*)\.? )?(.*)$")
RULE = re.compile(r"^(\d+)\. ")
COMMENT = re.compile(r"\n[ \t]*(?://[/!]?<?|#|\*)?[ \t]*")  # a line's end within a comment
SECTION = re.compile("\\b[Ss]ections? [0-9]|\u00a7")
STANDARD = re.compile(r"RFC \d+|draft-|[Ss]pecification|[Ss]tandard")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def skipped(path):
    parts = path.parts
    if path.name == "LICENSE":
        return True
    return any(
        p.startswith(".") or p.startswith("build") or p == "node_modules" for p in parts
    ) or (parts[:2] == ("tests", "data"))


def files_of(root):
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and path.suffix in SOURCES and not skipped(name):
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass  # no text


class Document:
    """The numbered headings of a file and the numbered lists under them."""

    def __init__(self, text):
        self.rules = {}
        section = None
        for line in text.splitlines():
            heading = HEADING.match(line)
            if heading:
                section = heading.group(1)
                if section:
                    self.rules[section] = set()
            rule = RULE.match(line)
            if rule and section:
                self.rules[section].add(rule.group(1))

    def lacks(self, section, rule):
        if section not in self.rules:
            return "has no heading " + section
        if rule and rule not in self.rules[section]:
            return f"has no rule {rule} under heading {section}"
        return None


def slugs(text):
    """The anchors of a document's headings, as GitHub makes them."""
    for line in text.splitlines():
        if line.startswith("#"):
            words = re.sub(r"[`*]", "", line.lstrip("#").strip()).lower()
            yield re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


class Check:
    def __init__(self, root):
        self.root = root
        folder = root / "docs" / "reference"
        self.documents = {f.stem: Document(f.read_text("utf-8")) for f in folder.glob("*.md")}
        names = "|".join(sorted(map(re.escape, self.documents))) or "$^"
        self.citation = re.compile(rf"\b({names})#(\d+(?:\.\d+)*)(?: +rule (\d+))?")
        self.name = re.compile(rf"(?<![\w/-])({names})(?![\w#-]|\.md|#)")
        self.citations = 0
        self.links = 0
        self.errors = []

    def complain(self, name, text, at, error):
        line = text.count("\n", 0, at) + 1
        self.errors.append(f"{name}:{line}: {error}")

    def file(self, name, text):
        flat = COMMENT.sub(lambda m: " " * len(m.group()), text)  # same offsets
        for m in self.citation.finditer(flat):
            self.citations += 1
            lacks = self.documents[m.group(1)].lacks(m.group(2), m.group(3))
            if lacks:
                self.complain(name, text, m.start(), f"{m.group(1)} {lacks}")
        if name.suffix in (".cpp", ".hpp"):
            for m in re.finditer(r"\breference: *(\S*)", flat):
                if not self.citation.match(m.group(1)):
                    self.complain(name, text, m.start(), f"not a document and heading: {m[1]}")
        if name.suffix == ".md":
            self.links_of(name, text)
        if name.parts[:2] == ("docs", "reference"):
            self.own_sections(name, text)
            return
        for m in self.name.finditer(text) if name.suffix != ".md" else ():
            self.complain(name, text, m.start(), f"{m.group(1)} without its heading")
        for m in SECTION.finditer(flat):
            if not STANDARD.search(flat[max(0, m.start() - 60) : m.start()]):
                self.complain(name, text, m.start(), "a section of what document?")

    def own_sections(self, name, text):
        for m in re.finditer("\u00a7(\\d+(?:\\.\\d+)*)", text):
            lacks = self.documents[name.stem].lacks(m.group(1), None)
            if lacks:
                self.complain(name, text, m.start(), f"{name.stem} {lacks}")

    def links_of(self, name, text):
        for m in LINK.finditer(text):
            target, _, anchor = m.group(1).partition("#")
            if re.match(r"\w+:", target):
                continue
            self.links += 1
            path = (self.root / name).parent / target if target else self.root / name
            if not path.exists():
                self.complain(name, text, m.start(), f"dead link: {m.group(1)}")
            elif anchor and anchor not in slugs(path.read_text("utf-8")):
                self.complain(name, text, m.start(), f"no such heading: {m.group(1)}")


def main():
    root = pathlib.Path(sys.argv[1])
    check = Check(root)
    for name, text in files_of(root):
        check.file(name, text)
    print("\n".join(check.errors))
    print(f"{check.citations} citations, {check.links} links, {len(check.errors)} wrong")
    return 1 if check.errors or not check.citations else 0


if __name__ == "__main__":
    sys.exit(main())
