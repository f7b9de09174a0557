"""Fails when a source with a branch has no test of its own name.

The tests of ROOM/UNIT.cpp stand in tests/ROOM/UNIT_test.cpp. Where another test proves the unit, a
line of tests/mirror.txt names it and says why: `UNIT | TEST | REASON`, paths from the root. A line
that is needed no more is an error too. Usage: mirror.py ROOT
"""

import pathlib
import re
import sys

# Comments, text and rows of the preprocessor branch nowhere.
SILENT = re.compile(
    r"//[^\n]*|/\*.*?\*/|^[ \t]*#(?:\\\n|[^\n])*"
    r'|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\d)\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL | re.MULTILINE,
)
BRANCH = re.compile(r"\b(?:if|switch|for|while|catch)\b|\s\?\s|\s&&\s|\|\|")
TEST = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\(", re.MULTILINE)


def units(root):
    """The sources with a branch, by their paths from the root."""
    for room in sorted(root.iterdir()):
        if not (room.is_dir() and (root / "tests" / room.name).is_dir()):
            continue
        for path in sorted(room.rglob("*.cpp")):
            if BRANCH.search(SILENT.sub(" ", path.read_text("utf-8"))):
                yield path.relative_to(root).as_posix()


def mirrors(root, unit):
    test = root / "tests" / (unit.removesuffix(".cpp") + "_test.cpp")
    return test.is_file() and TEST.search(test.read_text("utf-8"))


def exceptions(text):
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


def main():
    root = pathlib.Path(sys.argv[1])
    branching = list(units(root))
    mirrored = {unit for unit in branching if mirrors(root, unit)}
    excepted, errors = set(), []
    for cells in exceptions((root / "tests" / "mirror.txt").read_text("utf-8")):
        unit = cells[0]
        if len(cells) != 3 or not cells[2]:
            errors.append(f"{unit}: not written as UNIT | TEST | REASON")
        elif unit not in branching:
            errors.append(f"{unit}: no source with a branch, expected no exception")
        elif unit in mirrored:
            errors.append(f"{unit}: has its test, expected no exception")
        elif not (root / cells[1]).is_file():
            errors.append(f"{unit}: {cells[1]} does not exist")
        excepted.add(unit)
    for unit in branching:
        if unit not in mirrored and unit not in excepted:
            errors.append(f"{unit}: no tests/{unit.removesuffix('.cpp')}_test.cpp with a test")
    print("\n".join(errors))
    print(f"{len(mirrored)} of {len(branching)} units mirrored, {len(excepted)} excepted")
    return 1 if errors or not branching else 0


if __name__ == "__main__":
    sys.exit(main())
