#pragma once
// Turns groups into rows, inside a transaction of the caller's. What is there already is found by path, by content, by
// group key, in that order; what is not gets ids of natural keys, so that two devices that import the same files apart
// add the same rows.
#include <map>
#include <set>
#include <unordered_set>

#include "node/import/import.h"
#include "node/import/known_files.h"
#include "sync/sqlite/connection.h"

namespace bae::node {

struct GroupOutcome {
    ImportedRelease release;
    bool changed = false;  // synced rows
    uint64_t tracks = 0, files = 0, updated = 0, known = 0, moved = 0;
    std::vector<std::string> superseded;  // copies that newer copies took the place of: to be removed after the commit
};

// The id counted most often; of several the least, so that the choice does not depend on the order of rows.
std::optional<std::string> most_common(const std::map<std::string, size_t>& counts, size_t at_least);

class ReleaseWriter {
  public:
    ReleaseWriter(sync::sqlite::Connection& connection, const ImportOptions& options, int64_t now_ms)
        : connection_(connection), options_(options), now_ms_(now_ms) {}
    Result<GroupOutcome> write(const ReleaseGroup& group);

  private:
    // The release a group's files go to.
    struct Target {
        std::string id;
        bool is_new = false;
        std::vector<std::string> genres;        // tags of the release: its tracks need none of their own
        std::unordered_set<std::string> bound;  // release_files that a file of this group took
        std::set<std::string> left;             // releases that files of this group were in before
    };
    // What the library knows of the files of a group, by their paths.
    struct Earlier {
        std::map<std::string, size_t> releases;  // how many of the group are in each
        std::set<std::string> files;             // release_files
        bool regrouped = false;                  // some were tagged as another album before
    };
    // release_writer.cpp: finding and placing
    Result<Target> find_release(const ReleaseGroup& group);
    Result<void> read_genres(Target& target);
    Result<std::optional<ImportedFile>> known_file(const ImportFile& file);
    Result<Earlier> earlier(const ReleaseGroup& group);
    Result<std::optional<std::string>> release_of_key(const ReleaseGroup& group);
    Result<std::optional<std::string>> release_of_hashes(const ReleaseGroup& group);
    Result<void> update_known(const ReleaseGroup& group, const ImportFile& file, const ImportedFile& known,
                              Target& target, GroupOutcome& outcome);
    Result<void> place_file(const ReleaseGroup& group, const ImportFile& file, Target& target, GroupOutcome& outcome);
    Result<std::optional<std::string>> same_content(const ReleaseGroup& group, const ImportFile& file,
                                                    const Target& target);
    Result<bool> lies_elsewhere(const ReleaseGroup& group, const ImportFile& file, const std::string& file_id);
    Result<bool> forget_moved(const std::string& file_id, const ImportFile& file);
    Result<void> remember(const ReleaseGroup& group, const ImportFile& file, const std::string& file_id);
    Result<void> update_content_hash(const std::string& release_id);

    // release_rows.cpp: inserting
    Result<void> add_release(const ReleaseGroup& group, Target& target);
    Result<std::string> add_album(const ReleaseGroup& group);
    Result<void> add_album_artists(const ReleaseGroup& group, const std::string& album_id);
    Result<std::string> add_artist(const Credit& credit);
    Result<std::string> add_tag(const std::string& name);
    Result<void> add_identity(const std::string& release_id, std::string_view source,
                              const std::optional<std::string>& external, const std::optional<std::string>& group_id);
    Result<void> add_picture(const ReleaseGroup& group, const std::string& release_id);
    Result<void> add_file(const ReleaseGroup& group, const ImportFile& file, Target& target, GroupOutcome& outcome);
    Result<std::string> new_file_id(const ImportFile& file, const Target& target);
    Result<void> add_format(const ImportFile& file, const std::string& file_id);
    Result<void> add_track(const ReleaseGroup& group, const ImportFile& file, const Target& target,
                           const std::string& file_id);
    Result<void> add_credits(const std::string& track_id, const FileTags& tags);
    Result<void> add_credit(const std::string& track_id, const std::vector<Credit>& list, std::string_view role);
    Result<void> add_track_tags(const std::string& track_id, const FileTags& tags,
                                const std::vector<std::string>& of_release);

    // regrouping.cpp: files whose tags name another album than before
    Result<std::optional<std::string>> kept_release(const ReleaseGroup& group, Earlier known);
    Result<std::vector<std::string>> left_behind(const ReleaseGroup& group, const std::string& release_id,
                                                 const std::set<std::string>& files);
    Result<void> regroup(const ReleaseGroup& group, const Earlier& known, Target& target);
    Result<void> split_off(const std::string& release_id, const std::vector<std::string>& files);
    Result<void> copy_release(const std::string& from, const std::string& to, const crypto::Hash256& content);
    Result<void> copy_belongings(const std::string& from, const std::string& to);
    Result<void> move_file(const std::string& file_id, const std::string& release_id);
    Result<void> tidy_release(const std::string& release_id);

    // retagging.cpp: what a file with other tags changes
    Result<void> update_file(const ReleaseGroup& group, const ImportFile& file, const ImportedFile& known);
    Result<void> refile(const ImportFile& file, const std::string& file_id, const Target& target);
    Result<void> update_bytes(const ImportFile& file, const std::string& file_id);
    Result<void> update_credit(const std::string& track_id, const FileTags& tags, const std::string& release_id);
    Result<void> replace_album_artists(const ReleaseGroup& group, const std::string& release_id);
    Result<void> credit_unnamed_album(const ReleaseGroup& group, const std::string& release_id);
    Result<std::optional<std::string>> album_of(const std::string& release_id);
    Result<bool> is_alone(const std::string& album_id, const std::string& release_id);
    Result<void> update_album(const ReleaseGroup& group, const std::vector<TagColumn>& columns, const FileTags& tags,
                              const std::string& release_id);
    Result<void> update_rows(const ReleaseGroup& group, const FileTags& tags, std::string_view what,
                             const std::string& track_id);
    Result<void> replace_credit(const std::string& track_id, const std::vector<Credit>& list, std::string_view role);

    sync::sqlite::Connection& connection_;
    const ImportOptions& options_;
    int64_t now_ms_;
    std::unordered_set<std::string> added_;  // artists and tags of this transaction
};

}  // namespace bae::node
