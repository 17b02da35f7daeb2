#pragma once
// The schema that the random histories use, as migrations for the database and as the model's description of the same.
#include "crypto/base/embedded.h"
#include "property/model.h"

namespace bae::property {

inline constexpr EmbeddedFile kMigrations[] = {
    {"0001_initial", R"sql(
CREATE TABLE parents(id TEXT PRIMARY KEY NOT NULL, a TEXT, b INTEGER NOT NULL DEFAULT 0, _updated_at TEXT NOT NULL);
CREATE TABLE children(id TEXT PRIMARY KEY NOT NULL, _updated_at TEXT NOT NULL,
  parent TEXT NOT NULL REFERENCES parents(id) ON DELETE CASCADE, a TEXT NOT NULL DEFAULT '', b REAL);
CREATE INDEX children_parent ON children(parent);
CREATE TABLE grandchildren(id TEXT PRIMARY KEY NOT NULL,
  child TEXT NOT NULL REFERENCES children(id) ON DELETE CASCADE,
  other TEXT NOT NULL REFERENCES parents(id) ON DELETE CASCADE, a BLOB, _updated_at TEXT NOT NULL);
CREATE INDEX grandchildren_child ON grandchildren(child);
CREATE INDEX grandchildren_other ON grandchildren(other);
CREATE TABLE marks(id TEXT PRIMARY KEY NOT NULL, parent TEXT NOT NULL REFERENCES parents(id) ON DELETE CASCADE,
  word TEXT NOT NULL, strength INTEGER NOT NULL DEFAULT 1, _updated_at TEXT NOT NULL);
CREATE INDEX marks_parent ON marks(parent);
CREATE TABLE places(id INTEGER PRIMARY KEY, path TEXT);
)sql"},
    {"0002_comments", R"sql(
ALTER TABLE children ADD COLUMN n TEXT NOT NULL DEFAULT 'dflt';
CREATE TABLE comments(id TEXT PRIMARY KEY NOT NULL, child TEXT NOT NULL REFERENCES children(id) ON DELETE CASCADE,
  a INTEGER, _updated_at TEXT NOT NULL);
CREATE INDEX comments_child ON comments(child);
)sql"},
};

inline const Schema& schema() {
    static const Value kZero("\0", 1), kOne("\x01"), kEmpty("\xa0");
    static const Schema kSchema = {
        {"parents", 1, {{"a"}, {"b", kZero}}},
        {"children",
         1,
         {{"parent", "\xc0", "parents"},
          {"a", kEmpty},
          {"b"},
          {"n",
           "\xa4"
           "dflt",
           "", 2}}},
        {"grandchildren", 1, {{"child", "\xc0", "children"}, {"other", "\xc0", "parents"}, {"a"}}},
        {"marks", 1, {{"parent", "\xc0", "parents"}, {"word"}, {"strength", kOne}}},
        {"comments", 2, {{"child", "\xc0", "children"}, {"a"}}},
    };
    return kSchema;
}

}  // namespace bae::property
