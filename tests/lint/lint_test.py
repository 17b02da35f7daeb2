#!/usr/bin/env python3
"""Every rule of lint.py finds what it is for, and leaves a clean tree alone."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import lint  # noqa: E402

HEADER = "#pragma once\n// What it is.\n"
CLEAN = {
    "CMakeLists.txt": "project(bae)\n",
    "README.md": "# bae\n",
    ".gitignore": "/build/\n",
    "crypto/README.md": "# crypto\n",
    "crypto/base/result.h": HEADER + "#include <tl/expected.hpp>\n",
    "crypto/hash.h": HEADER + '#include <string>\n\n#include "crypto/base/result.h"\n',
    "crypto/hash.cpp": '#include "crypto/hash.h"\n\n#include <openssl/evp.h>\n#include <sodium.h>\n',
    "sync/README.md": "# sync\n",
    "sync/sqlite/statement.cpp": "#include <sqlite3.h>\n",
    "node/README.md": "# node\n",
    "node/runtime.cpp": "#include <thread>\n\nstd::thread worker;\n",
    "node/sql/0001_music.sql": "CREATE TABLE tags (id TEXT PRIMARY KEY NOT NULL, name TEXT DEFAULT '', _updated_at TEXT NOT NULL) STRICT;\n"
                               "CREATE TABLE jobs (id TEXT PRIMARY KEY) STRICT;\nINSERT OR REPLACE INTO jobs VALUES ('a');\n",
    "tests/sync/merge_test.cpp": "#include <gtest/gtest.h>\n#include <sqlite3.h>\n",
}


class LintTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="bae-lint-"))
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in CLEAN.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def findings(self, rule):
        return list(rule(lint.Tree(self.root)))

    def refuses(self, rule, name, text, message):
        self.assertEqual(self.findings(rule), [], "the tree was clean before")
        self.write(name, text)
        self.assertIn(message, "\n".join(self.findings(rule)))

    def test_a_clean_tree_breaks_no_rule(self):
        for rule in lint.RULES:
            self.assertEqual(self.findings(rule), [], rule.__name__)
        self.assertEqual(lint.main([str(self.root)]), 0)

    def test_every_forbidden_arrow_is_refused_with_its_reason(self):
        for (source, target), reason in lint.FORBIDDEN.items():
            name = f"{source}/bad_{target}.cpp"
            self.refuses(lint.arrows, name, f'#include "{target}/x.h"\n', reason)
            (self.root / name).unlink()

    def test_every_allowed_arrow_passes(self):
        for source in lint.MODULES:
            for target in lint.MODULES:
                if (source, target) not in lint.FORBIDDEN:
                    self.write(f"{source}/good_{target}.cpp", f'#include "{target}/x.h"\n')
        self.assertEqual(self.findings(lint.arrows), [])

    def test_an_include_by_dots_is_refused(self):
        self.refuses(lint.arrows, "sync/x.cpp", '#include "../node/x.h"\n', "by '..'")

    def test_base_must_not_include_what_stands_on_it(self):
        self.refuses(lint.arrows, "crypto/base/x.cpp", '#include "crypto/hash.h"\n', "below crypto")

    def test_every_library_is_refused_outside_its_place(self):
        samples = {"sodium.h": "sync/x.cpp", "openssl/evp.h": "s3/x.cpp", "sqlite3.h": "sync/x.cpp", "zstd.h": "node/x.cpp",
                   "xxhash.h": "crypto/x.cpp", "curl/curl.h": "node/x.cpp", "pugixml.hpp": "sync/x.cpp",
                   "libtorrent/session.hpp": "node/x.cpp", "boost/asio.hpp": "dht/x.cpp", "CLI/CLI.hpp": "sync/x.cpp",
                   "toml++/toml.h": "sync/x.cpp", "nlohmann/json.hpp": "s3/x.cpp", "spdlog/spdlog.h": "sync/x.cpp",
                   "taglib/fileref.h": "sync/x.cpp", "utf8proc.h": "crypto/x.cpp", "qrcodegencpp/QrCode.hpp": "crypto/x.cpp",
                   "fmt/format.h": "tools/x.cpp", "tl/expected.hpp": "sync/x.cpp", "gtest/gtest.h": "node/x.cpp",
                   "benchmark/benchmark.h": "node/x.cpp"}
        for pattern in lint.FIREWALL:
            self.assertTrue(any(lint.re.fullmatch(pattern, header) for header in samples), f"no sample for {pattern}")
        for header, place in samples.items():
            self.refuses(lint.firewall, place, f"#include <{header}>\n", f"<{header}> is included in")
            (self.root / place).unlink()

    def test_an_unknown_library_is_refused(self):
        self.refuses(lint.firewall, "node/x.cpp", "#include <leftpad/leftpad.hpp>\n", "not in the firewall's table")

    def test_curl_and_pugixml_have_one_file_each(self):
        self.write("s3/transport.cpp", "#include <curl/curl.h>\n")
        self.write("s3/s3_xml.cpp", "#include <pugixml.hpp>\n")
        self.assertEqual(self.findings(lint.firewall), [])
        for header in ("curl/curl.h", "pugixml.hpp"):
            self.refuses(lint.firewall, "s3/other.cpp", f"#include <{header}>\n", "is included in s3/")
            (self.root / "s3/other.cpp").unlink()

    def test_a_library_in_a_public_header_is_refused(self):
        self.refuses(lint.no_third_party_in_public, "crypto/x.h", HEADER + "#include <sodium.h>\n", "in a public header")

    def test_a_private_header_may_include_a_library_but_not_be_included_elsewhere(self):
        self.write("crypto/x.h", "#pragma once\n// Private to this folder. Why.\n#include <sodium.h>\n")
        self.write("crypto/y.cpp", '#include "crypto/x.h"\n')
        self.assertEqual(self.findings(lint.no_third_party_in_public), [])
        self.refuses(lint.private_headers, "sync/y.cpp", '#include "crypto/x.h"\n', "private to its folder")

    def test_a_public_header_without_comment_is_refused(self):
        self.refuses(lint.headers_open_with_comment, "sync/x.h", "#pragma once\n#include <string>\n", "opens with a comment")

    def test_a_header_without_guard_is_refused(self):
        self.refuses(lint.headers_open_with_comment, "sync/x.h", "// What it is.\n", "#pragma once")

    def test_a_module_without_page_is_refused(self):
        self.refuses(lint.module_readmes, "dht/x.cpp", "", "dht/README.md")

    def test_an_unknown_top_level_entry_is_refused(self):
        self.refuses(lint.top_level, "docs/x.md", "", "the top level is fixed")

    def test_replace_into_a_synced_table_is_refused(self):
        for number, statement in enumerate(("INSERT OR REPLACE INTO tags VALUES (1)", "replace into tags values (1)",
                                            "UPDATE OR REPLACE tags SET id = 1", "REPLACE INTO {} VALUES (1)")):
            name = f"node/x{number}.cpp"
            self.refuses(lint.no_replace, name, f'auto sql = "{statement}";\n', "use ON CONFLICT(id) DO UPDATE")
            (self.root / name).unlink()

    def test_a_synced_table_that_replaces_by_itself_is_refused(self):
        self.refuses(lint.no_replace, "node/sql/0002_x.sql",
                     "CREATE TABLE x (id TEXT PRIMARY KEY ON CONFLICT REPLACE, _updated_at TEXT NOT NULL);\n", "ON CONFLICT REPLACE")

    def test_threads_outside_node_are_refused(self):
        for number, text in enumerate(("std::thread worker;", "std::jthread worker;", "auto f = std::async(run);", "pthread_create(a, b, c, d);")):
            name = f"sync/x{number}.cpp"
            self.refuses(lint.threads, name, text + "\n", "threads belong to node")
            (self.root / name).unlink()

    def test_a_thread_id_or_a_comment_is_no_thread(self):
        self.write("sync/x.cpp", "// not a std::thread\nstd::thread::id owner;\n")
        self.assertEqual(self.findings(lint.threads), [])

    def test_a_sleeping_test_is_refused(self):
        for name, text in {"tests/a.cpp": "std::this_thread::sleep_for(1s);\n", "tests/b.py": "time.sleep(1)\n", "tests/c": "#!/bin/sh\nsleep 1\n"}.items():
            self.refuses(lint.no_sleeps, name, text, "wait for the condition")
            (self.root / name).unlink()

    def test_a_swallowed_exception_is_refused(self):
        self.refuses(lint.swallowed, "node/x.cpp", "void f() { try { g(); } catch (...) { } }\n", "swallowed")

    def test_unfinished_work_is_refused(self):
        for number, text in enumerate(("// TODO later", "// FIXME", "TEST(A, DISABLED_b) {}")):
            name = f"tests/x{number}.cpp"
            self.refuses(lint.unfinished, name, text + "\n", "finish it")
            (self.root / name).unlink()

    def test_vague_names_are_refused(self):
        self.refuses(lint.names, "node/string_utils.cpp", "", "named after the one thing")
        self.write("node/string_utils.cpp", "class SyncManager {};\n")
        self.assertIn("SyncManager", "\n".join(self.findings(lint.names)))

    def test_a_long_file_is_refused(self):
        self.refuses(lint.file_length, "node/x.cpp", "\n" * (lint.MAX_FILE + 1), "split it by concept")

    def test_a_long_function_is_refused(self):
        body = "    i += 1;\n" * lint.MAX_FUNCTION
        self.refuses(lint.function_length, "node/x.cpp", f"void f() {{\n    int i = 0;\n{body}}}\n", "f has")
        self.write("node/y.h", HEADER + f"inline void g() {{\n    int i = 0;\n{body}}}\n")
        self.write("tools/z", "#!/usr/bin/env python3\ndef h():\n    i = 0\n" + body)
        found = "\n".join(self.findings(lint.function_length))
        self.assertIn("g has", found)
        self.assertIn("h has", found)

    def test_an_unformatted_file_is_refused(self):
        shutil.copy(Path(__file__).parents[2] / ".clang-format", self.root)
        self.refuses(lint.formatting, "node/x.cpp", "int   main( ) {return 0 ;}\n", "not formatted")

    def test_every_rule_makes_the_program_fail(self):
        self.write("docs/x.md", "")
        out = subprocess.run([sys.executable, lint.__file__, str(self.root)], capture_output=True, text=True)
        self.assertEqual(out.returncode, 1)
        self.assertIn("top_level: docs", out.stdout)


if __name__ == "__main__":
    unittest.main()
