#!/usr/bin/env python3
"""House rules that a machine can check: lint.py ROOT prints one line per broken rule and exits 1 if there is any.

Every rule is a function of the tree that yields findings. lint_test.py holds one small bad tree per rule.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md", "LICENSE",
             "node", "dht", "sync", "crypto", "s3", "tests", "tools"}
MODULES = ("crypto", "s3", "sync", "dht", "node")

# Who may not include whom, and why. What is not listed is an arrow of the architecture.
FORBIDDEN = {
    ("crypto", "s3"): "crypto knows nothing of storage: seals are the same bytes on every carrier",
    ("crypto", "sync"): "crypto knows nothing of libraries: it must be auditable alone",
    ("crypto", "dht"): "crypto knows nothing of the network",
    ("crypto", "node"): "crypto knows nothing of the program around it",
    ("s3", "sync"): "a bucket does not know what the objects are",
    ("s3", "dht"): "a bucket is a carrier of its own, not a peer",
    ("s3", "node"): "a bucket knows nothing of the program around it",
    ("sync", "dht"): "objects are bytes to sync, whatever carried them",
    ("sync", "node"): "sync could sync any SQLite schema: it knows nothing of music",
    ("dht", "s3"): "peers do not depend on a bucket being there",
    ("dht", "sync"): "what peers carry is bytes to dht: node ties the two together",
    ("dht", "node"): "dht knows nothing of the library's tables",
}

# Third-party headers and where they may be included: a prefix of the path, or the one file.
FIREWALL = {
    r"sodium\.h": ("crypto/",),
    r"openssl/.*": ("crypto/",),
    r"sqlite3(ext)?\.h": ("sync/sqlite/",),
    r"zstd(_errors)?\.h": ("sync/",),
    r"xxhash\.h": ("sync/",),
    r"curl/.*": ("s3/transport.cpp", "s3/transport_failure.cpp"),  # one place sets timeouts, verifies certificates and follows no redirect; the other names its errors
    r"pugixml\.hpp": ("s3/s3_xml.cpp",),  # one place that hands foreign XML to it, in a shape that was checked before
    r"libtorrent/.*": ("dht/",),
    r"boost/.*": ("node/",),
    r"CLI/.*": ("node/",),
    r"toml\+\+/.*|toml\.hpp|toml\+\+\.h": ("node/",),
    r"nlohmann/.*": ("node/",),
    r"spdlog/.*": ("node/",),
    r"taglib/.*|tag\.h|fileref\.h|[a-z0-9]*(file|tag|properties|picture|frame|factory|comment|map|list|stream)\.h": ("node/",),
    r"utf8proc\.h": ("node/",),
    r"qrcodegen.*": ("node/",),
    r"fmt/.*": ("crypto/", "s3/", "sync/", "dht/", "node/"),
    r"tl/expected\.hpp": ("crypto/base/",),
    r"gtest/.*|gmock/.*|rapidcheck.*": ("tests/",),
    r"benchmark/.*": ("tools/benchmarks/",),
}
REFERENCES = ("tests/", "tools/benchmarks/")  # may include any listed library, to hold our code against it
PUBLIC_THIRD_PARTY = {("crypto/base/result.h", "tl/expected.hpp")}
SYSTEM = re.compile(
    r"(sys|linux|arpa|netinet|net)/[a-z_0-9]+\.h|"
    r"(unistd|fcntl|dirent|poll|pwd|grp|signal|termios|pthread|dlfcn|spawn|langinfo|immintrin|x86intrin|cpuid|locale|"
    r"assert|ctype|errno|limits|math|stdio|stdlib|stdint|stddef|string|time|wchar|getopt|libgen|netdb|sched|ftw|fnmatch|glob|wordexp|elf)\.h|"
    r"[a-z_0-9]+")  # without a dot: the C++ standard library

CODE = (".h", ".cpp")
LENGTH = (".h", ".cpp", ".py", ".sh", ".cmake", ".sql")
MAX_FUNCTION = 70
MAX_FILE = 700


class Tree:
    """The files of a project, by path relative to its root. Text is read once."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(self._list())
        self._text = {}

    def _list(self):
        if (self.root / ".git").exists():
            out = subprocess.run(["git", "-C", str(self.root), "ls-files", "-zco", "--exclude-standard"],
                                 check=True, capture_output=True).stdout
            names = {os.fsdecode(name) for name in out.split(b"\0") if name}
        else:
            names = {str(p.relative_to(self.root)) for p in self.root.rglob("*")}
        return [name for name in names if (self.root / name).is_file()]

    def text(self, name):
        if name not in self._text:
            self._text[name] = (self.root / name).read_text(encoding="utf-8", errors="replace")
        return self._text[name]

    def code(self, *prefixes):
        return [f for f in self.files if f.endswith(CODE) and f.startswith(prefixes or ("",))]

    def scripts(self):
        """Files that are programs without a suffix: their first line says so."""
        return [f for f in self.files if "." not in Path(f).name and self.text(f).startswith("#!")]


def module_of(name):
    first = name.split("/", 1)[0]
    return first if first in MODULES else None


def without_comments(text):
    """C++ without its comments; strings and line numbers stay."""
    pattern = r'R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/'

    def keep(match):
        found = match.group(0)
        return "\n" * found.count("\n") if found.startswith("/") else found

    return re.sub(pattern, keep, text, flags=re.S)


def matches(tree, files, pattern, strip=True, flags=0):
    for name in files:
        text = without_comments(tree.text(name)) if strip else tree.text(name)
        for match in re.finditer(pattern, text, flags):
            yield name, text.count("\n", 0, match.start()) + 1, match


def includes(tree, files, form):
    return matches(tree, files, r"^[ \t]*#[ \t]*include[ \t]+" + form, flags=re.M)


def top_level(tree):
    for entry in sorted({name.split("/", 1)[0] for name in tree.files}):
        if entry not in TOP_LEVEL and not entry.startswith("."):
            yield f"{entry}: the top level is fixed: {', '.join(sorted(TOP_LEVEL))}"


def arrows(tree):
    for name, line, match in includes(tree, tree.code(), r'"([^"]+)"'):
        source, target = module_of(name), module_of(match.group(1))
        if (source, target) in FORBIDDEN:
            yield f"{name}:{line}: {source} must not include {target}: {FORBIDDEN[source, target]}"
        if "../" in match.group(1):
            yield f"{name}:{line}: include from the root (\"module/file.h\"), not by '..'"
        if name.startswith("crypto/base/") and target == "crypto" and not match.group(1).startswith("crypto/base/"):
            yield f"{name}:{line}: crypto/base is below crypto: it must not include {match.group(1)}"


def firewall(tree):
    for name, line, match in includes(tree, tree.code(), r"<([^>]+)>"):
        header = match.group(1)
        if SYSTEM.fullmatch(header):
            continue
        places = next((where for pattern, where in FIREWALL.items() if re.fullmatch(pattern, header)), None)
        if places is None:
            yield f"{name}:{line}: <{header}> is not in the firewall's table (tests/lint/lint.py): add it with its one place"
        elif not name.startswith(places + REFERENCES):
            yield f"{name}:{line}: <{header}> is included in {' '.join(places)} only"


def module_headers(tree):
    """Those of a module's own folder and of crypto/base; what lies deeper is private."""
    return [f for f in tree.code(*(m + "/" for m in MODULES)) if f.endswith(".h") and (f.count("/") == 1 or f.startswith("crypto/base/"))]


def says_private(tree, name):
    return name in tree.files and re.match(r"#pragma once\s*// Private to this folder\b", tree.text(name)) is not None


def public_headers(tree):
    return [f for f in module_headers(tree) if not says_private(tree, f)]


def private_headers(tree):
    for name, line, match in includes(tree, tree.code(*(m + "/" for m in MODULES)), r'"([^"]+)"'):
        header = match.group(1)
        if says_private(tree, header) and os.path.dirname(header) != os.path.dirname(name):
            yield f"{name}:{line}: {header} is private to its folder"


def no_third_party_in_public(tree):
    for name, line, match in includes(tree, public_headers(tree), r"<([^>]+)>"):
        if not SYSTEM.fullmatch(match.group(1)) and (name, match.group(1)) not in PUBLIC_THIRD_PARTY:
            yield f"{name}:{line}: <{match.group(1)}> in a public header: whoever includes it pays for it and depends on it"


def headers_open_with_comment(tree):
    for name in module_headers(tree):
        lines = [l for l in tree.text(name).splitlines() if l.strip()]
        if not lines or lines[0] != "#pragma once":
            yield f"{name}:1: a header starts with #pragma once"
        elif len(lines) < 2 or not lines[1].startswith(("//", "/*")):
            yield f"{name}:2: a header opens with a comment: what it is, its contract"


def module_readmes(tree):
    for module in MODULES:
        if any(f.startswith(module + "/") for f in tree.files) and f"{module}/README.md" not in tree.files:
            yield f"{module}/README.md: every module has a page: what it is, its public headers, its invariants, how to test it"


def no_replace(tree):
    """SQLite records REPLACE as delete and insert, and captures that as an update: see sync/README.md."""
    sql = [f for f in tree.files if f.endswith(".sql")]
    synced = set()
    for name in sql:
        for match in re.finditer(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`]?(\w+)[\"`]?\s*\((.*?)\)\s*(?:STRICT|WITHOUT\s+ROWID|,|\s)*;",
                                 tree.text(name), re.S | re.I):
            if re.search(r"\b_updated_at\b", match.group(2)):
                synced.add(match.group(1).lower())
            if re.search(r"ON\s+CONFLICT\s+REPLACE", match.group(2), re.I) and match.group(1).lower() in synced:
                yield f"{name}: synced table {match.group(1)}: ON CONFLICT REPLACE deletes and inserts; that is not an edit"
    sources = [f for f in tree.code() if not f.startswith("tests/")]
    pattern = r"\b(?:INSERT\s+OR\s+REPLACE\s+INTO|UPDATE\s+OR\s+REPLACE|REPLACE\s+INTO)\s+[\"`\\]*([\w.{}]*)"
    for name, line, match in matches(tree, sql + sources, pattern, flags=re.I):
        table = match.group(1).split(".")[-1].lower()
        if table in synced or not re.fullmatch(r"\w+", table):
            yield f"{name}:{line}: REPLACE on synced table '{table or '?'}': use ON CONFLICT(id) DO UPDATE"


def threads(tree):
    allowed = ("node/", "tests/", "tools/")
    for name, line, match in matches(tree, tree.code(), r"\bstd::(?:jthread\b|thread\b(?!::)|async\b)|\bpthread_create\b"):
        if not name.startswith(allowed):
            yield f"{name}:{line}: {match.group(0)}: threads belong to node; other modules start none"


def in_tests(tree, suffixes=(".h", ".cpp", ".py")):
    scripts = set(tree.scripts())
    return [f for f in tree.files if f.startswith("tests/") and not f.startswith("tests/lint/") and (f.endswith(suffixes) or f in scripts)]


def no_sleeps(tree):
    pattern = r"\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|\bnanosleep\s*\(|\bsleep\s*\(|\btime\.sleep\b|^\s*sleep\s+[\d.$]"
    for name, line, match in matches(tree, in_tests(tree), pattern, flags=re.M):
        yield f"{name}:{line}: a test that sleeps is slow or wrong: wait for the condition, or pass the time in"


def swallowed(tree):
    files = [f for f in tree.code() if not f.startswith("tests/lint/")]
    for name, line, _ in matches(tree, files, r"catch\s*\([^)]*\)\s*\{\s*\}"):
        yield f"{name}:{line}: an exception is swallowed: turn it into an Error"


def unfinished(tree):
    files = [f for f in tree.files if f.endswith(LENGTH) or f in tree.scripts() or Path(f).name == "CMakeLists.txt"]
    files = [f for f in files if not f.startswith("tests/lint/")]
    for name, line, match in matches(tree, files, r"\b(TODO|FIXME|XXX|HACK)\b|\bDISABLED_\w+", strip=False):
        yield f"{name}:{line}: {match.group(0)}: finish it, or leave it out"


def names(tree):
    for name in tree.code():
        if re.search(r"(^|_)(manager|helpers?|utils?)(_|$)", Path(name).stem):
            yield f"{name}: a file is named after the one thing it defines (no manager, helper, util)"
    for name, line, match in matches(tree, tree.code(), r"\b(?:class|struct)\s+(\w*(?:Manager|Helper|Util|Utils))\b"):
        yield f"{name}:{line}: {match.group(1)}: name it after what it is (no manager, helper, util)"


def file_length(tree):
    for name in tree.files:
        if name.endswith(LENGTH) or name in tree.scripts():
            lines = tree.text(name).count("\n")
            if lines > MAX_FILE:
                yield f"{name}: {lines} lines: split it by concept (aim for 400, at most {MAX_FILE})"


def function_length(tree):
    if not shutil.which("ctags"):
        yield "ctags is missing: tools/setup --tests"
        return
    files = [str(tree.root / f) for f in tree.files if f.endswith((".h", ".cpp", ".py"))]
    files += [str(tree.root / f) for f in tree.scripts() if "python" in tree.text(f).split("\n", 1)[0]]
    if not files:
        return
    command = ["ctags", "-G", "--languages=C++,Python", "--langmap=C++:+.h", "--kinds-C++=f", "--kinds-Python=fm", "--fields=+ne", "--output-format=json", "-L", "-", "-o", "-"]
    out = subprocess.run(command, input="\n".join(files), capture_output=True, text=True)
    if out.returncode != 0:
        yield f"ctags failed: {out.stderr.strip()}"
    for tag in map(json.loads, out.stdout.splitlines()):
        length = tag.get("end", tag["line"]) - tag["line"] + 1
        if length > MAX_FUNCTION:
            yield f"{os.path.relpath(tag['path'], tree.root)}:{tag['line']}: {tag['name']} has {length} lines (aim for 40, at most {MAX_FUNCTION})"


def formatting(tree):
    if not shutil.which("clang-format-14"):
        yield "clang-format-14 is missing: tools/setup --tests"
        return
    files = [str(tree.root / f) for f in tree.code()]
    for start in range(0, len(files), 100):
        out = subprocess.run(["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=1", *files[start:start + 100]],
                             capture_output=True, text=True)
        for found in re.findall(r"^(.+?):(\d+):\d+: error:", out.stderr, re.M):
            yield f"{os.path.relpath(found[0], tree.root)}:{found[1]}: not formatted: clang-format-14 -i"


RULES = (top_level, arrows, firewall, no_third_party_in_public, private_headers, headers_open_with_comment, module_readmes,
         no_replace, threads, no_sleeps, swallowed, unfinished, names, file_length, function_length, formatting)


def main(arguments):
    tree = Tree(arguments[0] if arguments else ".")
    findings = [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(tree)]
    print("\n".join(findings) if findings else f"{len(tree.files)} files keep {len(RULES)} rules")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
