"""Fails when docs/safety.md forgets a row of docs/safety-contract.md or proves one by no test.

Each row of the contract stands in a table of safety.md with at least one test that exists, or under
"Not yet kept" with what is missing; in both if it is kept in part. A test is `Suite.Name` of C++ or
Python, `Story.x` the file x.toml of tests/scenarios/stories, `Page.a_b` the test "a b" in the
browser. Usage: safety_doc.py ROOT
"""

import pathlib
import re
import sys

ID = r"(?:F\d+[a-z]?|I\d+)"
PROMISE = re.compile(rf"^(?:\| |- )({ID}) ", re.MULTILINE)  # a failure's row, an invariant's line
ROW = re.compile(rf"^\| *({ID}) *\|(.*)\|$")
TEST = re.compile(r"`([A-Z][A-Za-z]+)\.([A-Za-z0-9_]+)`")


def files_of(folder, pattern):
    for path in folder.rglob(pattern):
        if "data" not in path.relative_to(folder).parts:
            yield path


def tests_of(root):
    """Every test there is, as Suite.Name."""
    tests = root / "tests"
    for path in files_of(tests, "*_test.cpp"):
        for m in re.finditer(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", path.read_text("utf-8")):
            yield f"{m[1]}.{m[2]}"
    for path in files_of(tests, "*_test.py"):
        suite = None
        for m in re.finditer(
            r"^class (\w+)|^ +def (test\w+)\(", path.read_text("utf-8"), re.MULTILINE
        ):
            suite = m[1] or suite
            if m[2]:
                yield f"{suite}.{m[2]}"
    for path in files_of(tests, "*_test.js"):
        for m in re.finditer(r"\btest\(\s*\"([^\"]*)\"", path.read_text("utf-8")):
            yield "Page." + m[1].replace(" ", "_")
    for path in (tests / "scenarios" / "stories").glob("*.toml"):
        yield "Story." + path.stem


def errors_of(contract, document, existing):
    promised = PROMISE.findall(contract)
    proved, missing, in_part = set(), set(), set()
    heading = ""
    for line in document.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        row = ROW.match(line)
        if not row:
            continue
        row_id, cells = row[1], row[2]
        if row_id not in promised:
            yield f"{row_id} is not in the contract"
        if heading == "Not yet kept":
            kept, what = (cell.strip() for cell in cells.split("|", 1))
            if kept not in ("no", "in part") or not what:
                yield f"{row_id} does not say what is missing"
            (missing if kept == "no" else in_part).add(row_id)
        elif not TEST.search(cells):
            yield f"{row_id} names no test"
        else:
            proved.add(row_id)
    for row_id in sorted(set(promised) - proved - missing):
        yield f"{row_id} is neither proved nor said to be missing"
    for row_id in sorted(missing & (proved | in_part)):
        yield f"{row_id} is said to be missing and kept"
    for row_id in sorted(in_part - proved):
        yield f"{row_id} is said to be kept in part, but no row proves it"
    for suite, test in sorted(set(TEST.findall(document))):
        if f"{suite}.{test}" not in existing:
            yield f"{suite}.{test} does not exist"
    if not promised:
        yield "the contract has no rows"


def main():
    root = pathlib.Path(sys.argv[1])
    contract = (root / "docs" / "safety-contract.md").read_text("utf-8")
    document = (root / "docs" / "safety.md").read_text("utf-8")
    errors = list(errors_of(contract, document, set(tests_of(root))))
    print("\n".join(errors))
    rows, names = len(PROMISE.findall(contract)), len(set(TEST.findall(document)))
    print(f"{rows} rows of the contract, {names} tests named, {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
