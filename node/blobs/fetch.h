#pragma once
// `get`: the audio of releases, from the carrier or from where it lies here, verified as a whole before it gets its
// name. A part that was fetched waits in the cache directory and is continued.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "node/blobs/ledger.h"
#include "node/blobs/send.h"

namespace bae::node {

struct WantedFile {
    Blob blob;
    std::filesystem::path here;         // where this disk has it already, or empty
    std::filesystem::path destination;  // where it is to lie; equal to `here` or free
    bool replaces = false;              // there lies a copy that bae made, and it is damaged
    std::string unsound;                // not empty: the row cannot stand for bytes, and this is why
};

struct FetchedFile {
    enum class State {
        present,  // lay there already
        fetched,
        copied,  // from elsewhere on this disk
        absent,  // nobody has sent it yet, or nobody has it: `reason`
        failed,  // `reason`
    };
    State state = State::failed;
    std::filesystem::path path;
    std::string reason;
};

// Of every file of a release, in the order of their names. `to` empty: the home's files directory, where files that lie
// anywhere on this disk are left where they are.
Result<std::vector<WantedFile>> wanted_files(sync::Database& database, const HomePaths& home,
                                             const std::filesystem::path& to, const std::string& release_id);

// One result per file wanted. `remember`: the files become this device's copies, to be played, verified and sent from.
// `done` is told each result on the calling thread as it comes. A file that fails holds up no other one; once the
// carrier as a whole is in trouble (carrier_health.h) the rest is "not reached". cancelled after an interrupt; what is
// complete is kept, what is not is continued next time.
using OnFetched = std::function<void(size_t index, const FetchedFile& file)>;
Result<std::vector<FetchedFile>> fetch_files(const BlobRound& round, const std::vector<WantedFile>& wanted,
                                             bool remember, const OnFetched& done = {});

}  // namespace bae::node
