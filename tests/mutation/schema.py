"""Writes the one copy of a source that holds all its mutants, and knows which of its lines is whose."""

import dataclasses
import re

HEADER = '#include "tests/mutation/switch.hpp"\n'
MARK = re.compile("\x01([bemsd])(\\d*)\x02")


@dataclasses.dataclass
class Written:
    """A generated source, its mutants by line (innermost last) and its demoted variables by line."""

    text: str
    mutants: list  # (first line, last line, ident)
    sites: list  # (first line, last line, idents)
    demoted: dict  # line -> offset in the source


def mark(kind, number=""):
    return f"\x01{kind}{number}\x02"


class Writer:
    def __init__(self, text, found):
        self.text = text
        self.demoted = {
            o: word
            for o, (usr, word) in found.demotable.items()
            if any(s.demoted == o for s in found.sites)
        }
        # Only what a switch can reach.
        self.sites = [
            s for s in found.sites if any(not m.state and not m.constant for m in s.mutants)
        ]

    def plain(self, begin, end):
        """The source's text, with its constexpr variables as const."""
        parts, at = [], begin
        for offset in sorted(o for o in self.demoted if begin <= o < end):
            parts += [self.text[at:offset], mark("d", offset), self.demoted[offset]]
            at = offset + len("constexpr")
        return "".join(parts) + self.text[at:end]

    def render(self, begin, end, sites):
        """The range with its sites, which are in order."""
        parts, at, i = [], begin, 0
        while i < len(sites):
            site = sites[i]
            j = i + 1
            while j < len(sites) and sites[j].begin < site.end:
                j += 1
            parts += [self.plain(at, site.begin), self.place(site, sites[i + 1 : j])]
            at, i = site.end, j
        return "".join(parts) + self.plain(at, end)

    def place(self, site, inner):
        mutants = [m for m in site.mutants if not m.state and not m.constant]
        original = self.render(site.begin, site.end, inner)
        if not mutants:
            return original
        here = "here_at_run_time" if site.at_run_time else "here"
        first = mutants[0].ident
        asked = f"::esshub::mutation::{here}({first}, {mutants[-1].ident - first + 1})"
        open_mark, close_mark = "\n" + mark("s", first), "\n" + mark("e", "")
        if site.form == "statement":
            body = mark("b", first) + asked + mark("m", "")
            return f"{{{open_mark} if (!{body})\n {{ {original} }} {close_mark} }}"
        alternatives = []
        for mutant in mutants:
            text = mutant.text if site.form == "value" else f"static_cast<bool>({mutant.text})"
            if site.form == "guard":
                text = "false"
            alternatives.append(
                f"\n::esshub::mutation::is({mutant.ident}) ? "
                f"{mark('b', mutant.ident)}({text}){mark('m', '')} :"
            )
        plain = self.text[site.begin : site.end]
        if site.form == "condition":
            original, plain = f"static_cast<bool>({original}\n)", f"static_cast<bool>({plain}\n)"
        elif site.form == "guard":
            original = plain = f"static_cast<bool>({site.name})"
        mutated = f"({''.join(alternatives)}\n ({plain}\n))"
        choice = f"({asked}{open_mark} ? {mutated} : ({original}\n) {close_mark})"
        return "; " + choice if site.form == "guard" else choice


def write(text, found):
    """The generated copy of `text`."""
    writer = Writer(text, found)
    marked = HEADER + writer.render(0, len(text), writer.sites)
    sizes = {}
    for site in writer.sites:
        idents = [m.ident for m in site.mutants if not m.state and not m.constant]
        if idents:
            sizes[idents[0]] = idents
    parts, line, at = [], 1, 0
    open_sites, mutants, sites, demoted, current = [], [], [], {}, None
    for found_mark in MARK.finditer(marked):
        piece = marked[at : found_mark.start()]
        parts.append(piece)
        line += piece.count("\n")
        at = found_mark.end()
        kind, number = found_mark[1], found_mark[2]
        if kind == "b":
            current = (line, int(number))
        elif kind == "m":
            mutants.append((current[0], line, current[1]))
        elif kind == "s":
            open_sites.append((line, int(number)))
        elif kind == "e":
            begin, ident = open_sites.pop()
            sites.append((begin, line, sizes[ident]))
        else:
            demoted[line] = int(number)
    parts.append(marked[at:])
    return Written("".join(parts), mutants, sites, demoted)


def single(text, site, mutant, found):
    """The source with one mutant that is compiled in."""
    if site.form == "guard":
        new = f"; (static_cast<void>({site.name}), false)"
    elif site.form == "statement":
        new = ";"
    elif site.constant:
        new = mutant.text
    else:
        new = f"({mutant.text})"
    return text[: site.begin] + new + text[site.end :]
