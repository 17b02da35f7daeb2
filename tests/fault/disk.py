"""What a power cut leaves on a disk: replays a journal of file operations (file_journal.cpp) up to a chosen one.

What was fsynced survives: a file's bytes by fsync of the file, a name by fsync of the directory it stands in. The rest is
lost (`DROP`), or each write and each name is lost, kept or cut by chance (`CHANCE`), or all is there (`KEEP`), as after a
kill. A name is as old as its directory's fsync, whatever the file's says; moving a file is one step.
"""
import os
import random
import shutil
from pathlib import Path

DROP, CHANCE, KEEP = "drop", "chance", "keep"
SECTOR = 512


class Record:
    def __init__(self, kind, a, b, c, one, two):
        self.kind, self.a, self.b, self.c, self.one, self.two = kind, a, b, c, one, two


def read_journal(path):
    data, at, records = Path(path).read_bytes() if Path(path).exists() else b"", 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        kind, a, b, c, first, second = data[at:end].split()
        at = end + 1 + int(first) + int(second)
        one, two = data[end + 1:end + 1 + int(first)], data[at - int(second):at]
        records.append(Record(kind.decode(), int(a), int(b), int(c), one, two))
    return records


class File:
    def __init__(self, content=b""):
        self.synced, self.pending = bytearray(content), []

    def fsync(self):
        for operation in self.pending:
            self.apply(self.synced, operation)
        self.pending.clear()

    @staticmethod
    def apply(content, operation):
        kind, at, data = operation
        if len(content) < at:
            content.extend(bytes(at - len(content)))
        if kind == "T":
            del content[at:]
        else:
            content[at:at + len(data)] = data

    def after_cut(self, mode, chance):
        content = bytearray(self.synced)
        for kind, at, data in self.pending if mode != DROP else ():
            fate = chance.random() if mode == CHANCE else 0
            if fate < 0.6:
                self.apply(content, (kind, at, data))
            elif fate < 0.8 and kind == "W" and len(data) > SECTOR:
                self.apply(content, (kind, at, data[:chance.randrange(len(data) // SECTOR) * SECTOR]))
        return content


class Change:
    """Of names: `removed` and `added` are (directory, name, file), either may be None."""

    def __init__(self, removed, added):
        self.removed, self.added, self.synced = removed, added, False

    def touches(self, directory):
        return any(entry and entry[0] == directory for entry in (self.removed, self.added))


class Disk:
    """The tree below `root` as it is now, all of it synced; then what the journal adds."""

    def __init__(self, root):
        self.files, self.names, self.changes, self.known = {}, {}, [], {}
        self.next = 0
        self.root = self.scan(Path(root))

    def new(self, inode, content=None):
        """Inode numbers are used again, ours are not."""
        self.next += 1
        self.known[inode] = self.next
        if content is None:
            self.names[self.next] = {}
        else:
            self.files[self.next] = File(content)
        return self.next

    def scan(self, directory):
        this = self.new(directory.stat().st_ino)
        for entry in sorted(directory.iterdir()):
            inode = entry.lstat().st_ino
            if entry.is_dir():
                self.names[this][os.fsencode(entry.name)] = self.scan(entry)
            else:
                known = self.known.get(inode)
                self.names[this][os.fsencode(entry.name)] = known if known in self.files else self.new(inode, entry.read_bytes())
        return this

    def replay(self, records):
        for record in records:
            getattr(self, "do_" + record.kind)(record)
        return self

    def do_C(self, r):
        self.changes.append(Change(None, (self.known[r.a], r.one, self.new(r.b, b""))))

    def do_D(self, r):
        self.changes.append(Change(None, (self.known[r.a], r.one, self.new(r.b))))

    def do_L(self, r):
        self.changes.append(Change(None, (self.known[r.a], r.one, self.known[r.b])))

    def do_U(self, r):
        self.changes.append(Change((self.known[r.a], r.one, None), None))

    def do_R(self, r):
        self.changes.append(Change((self.known[r.a], r.one, self.known[r.c]), (self.known[r.b], r.two, self.known[r.c])))

    def do_W(self, r):
        self.files[self.known[r.a]].pending.append(("W", r.b, r.two))

    def do_T(self, r):
        self.files[self.known[r.a]].pending.append(("T", r.b, b""))

    def do_F(self, r):
        this = self.known[r.a]
        if this in self.files:
            return self.files[this].fsync()
        for change in self.changes:
            change.synced |= change.touches(this)

    def do_S(self, r):
        for file in self.files.values():
            file.fsync()
        for change in self.changes:
            change.synced = True

    def names_after_cut(self, mode, chance):
        names = {directory: dict(entries) for directory, entries in self.names.items()}
        for change in self.changes:
            if not change.synced and (mode == DROP or mode == CHANCE and chance.random() < 0.4):
                continue
            if change.removed:
                directory, name, file = change.removed
                if file is None or names[directory].get(name) == file:
                    names[directory].pop(name, None)
            if change.added:
                directory, name, file = change.added
                names[directory][name] = file
        return names

    def write_out(self, target, modes, seed):
        """Makes `target` what is left. `modes` says it per top directory: each is a machine of its own; KEEP for the others."""
        chance = {mode: random.Random(f"{seed}{mode}") for mode in (DROP, CHANCE, KEEP)}
        names = {mode: self.names_after_cut(mode, chance[mode]) for mode in chance}
        contents = {mode: {} for mode in chance}
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in sorted({name for mode in chance for name in names[mode][self.root]}):
            mode = modes.get(os.fsdecode(name), KEEP)
            if name in names[mode][self.root]:
                self.write(target / os.fsdecode(name), names[mode][self.root][name], mode, names[mode], chance[mode], contents[mode])

    def write(self, target, this, mode, names, chance, contents):
        if this in self.names:
            target.mkdir(mode=0o700)
            for name, file in sorted(names[this].items()):
                if not name.endswith(b"-shm"):  # memory of processes, made again by whoever opens the database first
                    self.write(target / os.fsdecode(name), file, mode, names, chance, contents)
            return
        if this not in contents:
            contents[this] = self.files[this].after_cut(mode, chance)
        target.write_bytes(contents[this])
        target.chmod(0o600)
