"""A copy of the project in which one room's sources hold their mutants, and its build."""

import json
import os
import pathlib
import re
import shlex
import subprocess

import schema

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = "-O1 -g0 -w -Wno-narrowing"
DIAGNOSTIC = re.compile(
    r"^([^\s:][^:\n]*):(\d+):(?:\d+:)? +(fatal error|error|note|required|in .constexpr.)[: ](.*)$"
)
NOT_CONSTANT = re.compile(
    r"constant|constexpr|usable|non-type template|is not captured|mutation::|case value|array bound"
)


class Failed(Exception):
    """The build or a test fails without any mutant."""


def project_files(source):
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=source, capture_output=True
    )
    if listed.returncode == 0:
        names = [os.fsdecode(n) for n in listed.stdout.split(b"\0") if n]
    else:
        names = [str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()]
        names = [n for n in names if not n.startswith("build")]
    return sorted(n for n in names if (source / n).is_file())


def write_if_new(path, text):
    data = text.encode("latin-1")
    if path.is_symlink() or not path.exists() or path.read_bytes() != data:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Tree:
    """The copy: links to the project's files, except where a source is generated."""

    def __init__(self, source, folder, room):
        self.source = source
        self.root = folder / "tree"
        self.build = folder / "build"
        self.room = room  # the first folder: the CMake target's
        self.generated = {}  # name -> Written
        self.link()

    def link(self):
        wanted = {name: self.source / name for name in project_files(self.source)}
        for name in ("switch.hpp", "switch.cpp"):
            wanted[f"tests/mutation/{name}"] = HERE / name
        wanted[f"{self.room}/mutation_switch.cpp"] = HERE / "switch.cpp"
        for name, target in wanted.items():
            link = self.root / name
            # A generated source stays until it is written again, lest it be compiled again.
            if link.exists() and not link.is_symlink():
                continue
            if not link.is_symlink() or os.readlink(link) != str(target):
                link.unlink(missing_ok=True)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)
        for folder, _, files in os.walk(self.root):
            for file in files:
                name = os.path.relpath(os.path.join(folder, file), self.root)
                if name not in wanted:
                    os.unlink(os.path.join(folder, file))

    def configure(self):
        self.build.mkdir(parents=True, exist_ok=True)
        if not (self.build / "build.ninja").exists():
            self.run(
                [
                    "cmake",
                    "-S",
                    self.root,
                    "-B",
                    self.build,
                    "-G",
                    "Ninja",
                    "-DCMAKE_BUILD_TYPE=Debug",
                ]
                + [f"-DCMAKE_CXX_FLAGS_DEBUG={FLAGS}", "-DESSHUB_TESTS=ON"]
                + ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON"]
            )
        else:
            self.run(["cmake", self.build])
        self.commands = {}
        own = re.compile(
            rf" -o CMakeFiles/(esshub_)?{self.room}\.dir/"
        )  # not another target's of the same source
        with open(self.build / "compile_commands.json", encoding="utf-8") as file:
            for command in json.load(file):
                name = os.path.relpath(command["file"], self.root)
                if name not in self.commands or own.search(command["command"]):
                    self.commands[name] = self.arguments(command)

    def run(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failed(f"{command[0]} failed:\n{done.stdout[-4000:]}")

    def arguments(self, command):
        words = shlex.split(command["command"])
        return words[1:] if os.path.basename(words[0]) == "ccache" else words

    def parse_arguments(self, name):
        """What libclang needs to parse the project's own source: the copy's commands with its paths."""
        words, kept = self.commands[name][1:], []
        skip = False
        for word in words:
            if skip or word in ("-c", "-o") or word.endswith(".cpp"):
                skip = word == "-o"
                continue
            if word.startswith(("-I", "-D", "-std", "-isystem", "/")):
                kept.append(word.replace(str(self.root), str(self.source)))
        return kept

    # ---- generated sources

    def write(self, found, texts):
        """`found`: name -> operators.Found, of the sources that shall have mutants; the others are links."""
        self.found = found
        self.texts = texts
        for name in [n for n in self.generated if n not in found]:
            del self.generated[name]
        for path in sorted((self.root / self.room).rglob("*")):
            name = str(path.relative_to(self.root))
            if not path.is_symlink() and path.is_file() and name not in found:
                path.unlink()
                path.symlink_to(self.source / name)
        for name in found:
            self.write_one(name)

    def write_one(self, name):
        written = schema.write(self.texts[name], self.found[name])
        self.generated[name] = written
        write_if_new(self.root / name, written.text)

    def compile(self, targets, jobs, say, attempts=12):
        """Builds, leaving out what does not compile. What a mutant is left out as is its state."""
        for _ in range(attempts):
            done = subprocess.run(
                ["ninja", "-C", self.build, "-k", "0", "-j", str(jobs), *targets],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, "LC_ALL": "C"},
            )
            if done.returncode == 0:
                return
            (self.build / "mutate.log").write_text(done.stdout, encoding="utf-8")
            touched, left_out = self.judge(done.stdout)
            if not touched:
                raise Failed(
                    f"the copy does not compile: {self.build}/mutate.log\n" + errors_of(done.stdout)
                )
            say(f"  {left_out} left out in {len(touched)} sources, compiled again")
            for name in sorted(touched):
                self.write_one(name)
        raise Failed(f"the copy does not compile in {attempts} attempts: {self.build}/mutate.log")

    def judge(self, log):
        """Leaves out what the compiler's errors point at."""
        touched, left_out = set(), 0
        block, before = [], []
        blocks = []
        for line in log.splitlines():
            found = DIAGNOSTIC.match(line)
            if not found:
                continue
            path = os.path.normpath(self.build / found[1])
            number, kind, text = int(found[2]), found[3], found[4]
            if kind in ("error", "fatal error"):
                block = [text, [(path, number)] + before]
                blocks.append(block)
                before = []
            elif kind == "note" and block:
                block[1].append((path, number))
                block[0] += " " + text
            else:
                before.append((path, number))  # "required from here" stands before its error
        for text, places in blocks:
            constant = NOT_CONSTANT.search(text) is not None
            name, count = self.blame(places, constant)
            if name:
                touched.add(name)
                left_out += count
        return touched, left_out

    def blame(self, places, constant):
        """The source and how much of it was left out because of an error at these places."""
        places = [(os.path.relpath(path, self.root), line) for path, line in places]
        places = [(n, line) for n, line in places if n in self.generated]
        if constant:
            for name, line in places:
                offset = self.generated[name].demoted.get(line)
                if offset is not None and self.restore(name, offset):
                    return name, 1
        # The innermost place first; then all that surrounds the error.
        for name, line in places:
            inside = [m for m in self.generated[name].mutants if m[0] <= line <= m[1]]
            if inside:
                count = self.leave_out(name, [max(inside)[2]], constant)
                return name, count
        for name, line in places:
            # The call that asks for the switch stands in the line before its alternatives.
            around = [s for s in self.generated[name].sites if s[0] - 1 <= line <= s[1] + 1]
            if around:
                idents = max(around, key=lambda s: s[0])[2]
                # A table whose constructor the compiler calls stays one for the compiler.
                if constant and self.restore(name, self.variable_of(name, idents)):
                    return name, 1
                count = self.leave_out(name, idents, constant)
                return name, count
        for name, line in places:
            offset = self.generated[name].demoted.get(line)
            if offset is not None and self.restore(name, offset):
                return name, 1
        return None, 0

    def variable_of(self, name, idents):
        """The demoted variable whose initialiser has these mutants, or -1."""
        for site in self.found[name].sites:
            if any(m.ident in idents for m in site.mutants):
                return site.demoted
        return -1

    def leave_out(self, name, idents, constant):
        count = 0
        for site in self.found[name].sites:
            for mutant in site.mutants:
                if mutant.ident in idents and not mutant.state and not mutant.constant:
                    count += 1
                    if constant:
                        mutant.constant = True
                    else:
                        mutant.state = "compile error"
        return count

    def restore(self, name, offset):
        found = self.found[name]
        if offset not in found.demotable:
            return False
        del found.demotable[offset]
        for site in found.sites:
            if site.demoted == offset:
                site.constant = True
                for mutant in site.mutants:
                    mutant.constant = True
        return True

    # ---- one mutant, compiled in

    def users(self, name):
        """The sources that are compiled again when `name` changes."""
        if name.endswith(".cpp"):
            return [name]
        listed = subprocess.run(
            ["ninja", "-C", self.build, "-t", "deps"], capture_output=True, text=True
        ).stdout
        users, current = [], None
        for line in listed.splitlines():
            if not line.startswith(" "):
                current = line.split(":")[0] if line else None
            elif current and os.path.normpath(os.path.join(self.build, line.strip())) == str(
                self.root / name
            ):
                users.append(current)
        by_object = {self.object_of(n): n for n in self.commands}
        return sorted(by_object[u] for u in users if u in by_object)

    def object_of(self, name):
        words = self.commands[name]
        return words[words.index("-o") + 1]

    def single(self, name, site, mutant, targets, folder):
        """Programs with one mutant compiled in: {target: path}, or None where it does not compile. Every
        other source is the generated one."""
        overlay = folder / "overlay"
        text = schema.single(self.texts[name], site, mutant, self.found[name])
        write_if_new(overlay / name, text)
        objects = {}
        for user in self.users(name):
            words = list(self.commands[user])
            at = words.index("-o") + 1
            origin = words[at]
            objects[origin] = words[at] = str(folder / (re.sub(r"\W", "_", user) + ".o"))
            words = [
                str(overlay / name) if w == str(self.root / user) and user == name else w
                for w in words
            ]
            words.insert(1, f"-I{overlay}")
            done = subprocess.run(
                words, cwd=self.build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if done.returncode != 0:
                return None
        programs = {}
        for target in targets:
            programs[target] = folder / target
            if self.link_again(target, objects, programs[target]).returncode != 0:
                return None
        return programs

    def link_again(self, target, objects, path):
        """Links a program with other objects: before the archives, which then need not give theirs."""
        # The file, not the target's name, which stands for it and has no command.
        file = f"tests/{target}" if (self.build / "tests" / target).exists() else target
        listed = subprocess.run(
            ["ninja", "-C", self.build, "-t", "commands", "-s", file],
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        command = [c for c in listed if re.search(r" -o \S*\b" + re.escape(target) + r"\b", c)][-1]
        words = shlex.split(command.split("&&")[1] if "&&" in command else command)
        at = words.index("-o")
        words[at + 1] = str(path)
        words = [objects.get(w, w) for w in words]
        words[at:at] = [o for o in objects.values() if o not in words]
        return subprocess.run(
            words, cwd=self.build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def errors_of(log):
    lines = [line for line in log.splitlines() if "error" in line]
    return "\n".join(lines[:20])
