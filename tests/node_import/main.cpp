// The program is also its own child: `--import HOME DIR...` imports and exits, so that a test can kill an import and
// run it again.
#include <cstdio>

#include "node_import/library.h"

int main(int argc, char** argv) {
    if (argc < 4 || std::string_view(argv[1]) != "--import") {
        testing::InitGoogleTest(&argc, argv);
        return RUN_ALL_TESTS();
    }
    bae::node::test::Library library(argv[2]);
    bae::node::ImportOptions options = library.options({argv + 3, argv + argc});
    if (std::getenv("BAE_TEST_COPY")) options.copy_to = (library.home / "files").string();
    const auto report = bae::node::run_import(*library.database, options);
    if (!report) std::fprintf(stderr, "%s\n", report.error().message.c_str());
    return report ? 0 : 1;
}
