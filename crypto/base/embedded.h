#pragma once
// A text file compiled into the program (SQL), see bae_embed_sql in tools/cmake.
#include <string_view>

namespace bae {

struct EmbeddedFile {
    std::string_view name;  // file name without its ending, e.g. "0001_initial"
    std::string_view text;
};

}  // namespace bae
