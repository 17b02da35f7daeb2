#include "node/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "node/cli/exit_code.h"
#include "node/output/escape.h"
#include "node/version.h"

namespace bae::node {
namespace {

// Options are bound to fields of the alternative that their subcommand stands for; the one that ran is taken at the
// end.
class Parser {
  public:
    Parser() {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", std::string("bae ") + kVersion);
        app_.fallthrough();
        app_.footer(
            "Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 10 no library, 11 locked, 12 wrong key or "
            "passphrase, "
            "13 upgrade needed, 130 interrupted.");
        add_settings();
        add_library_commands();
        add_editing_commands();
        add_sync_commands();
        add_identity_commands();
        add_checking_commands();
        unmark_words(app_);
    }

    std::variant<Invocation, Ended> parse(int argc, const char* const* argv) {
        try {
            std::vector<std::string> words;
            for (int i = argc - 1; i > 0; --i) words.push_back(marked(argv[i]));
            app_.parse(std::move(words));
        } catch (const CLI::ParseError& error) {
            return ended(error);
        }
        CHECK(take_);
        take_();
        return std::move(invocation_);
    }

  private:
    // Words are taken as they were typed. CLI11 would take [a,b] for a list of its own, but does not know it once a
    // mark is behind it.
    static std::string marked(std::string word) {
        if (word.starts_with("[") && word.ends_with("]")) word += kMark;
        return word;
    }
    static void unmark_words(CLI::App& app) {
        for (CLI::Option* option : app.get_options()) {
            if (option->get_items_expected_max() > 0) option->transform(unmarked);
        }
        for (CLI::App* sub : app.get_subcommands({})) unmark_words(*sub);
    }
    static std::string unmarked(std::string word) {
        if (word.ends_with(kMark)) word.pop_back();
        return word;
    }
    static constexpr char kMark = '\x1f';

    // Ours for what is wrong, because CLI11 prints what was typed as it is.
    Ended ended(const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return {app_.exit(error)};
        std::cerr << "bae: " << shown(error.what())
                  << "\nbae: `bae --help` and `bae COMMAND --help` say how it is used\n";
        return {static_cast<int>(ExitCode::usage)};
    }

    // Of nested commands the inner one is called back first.
    template <class T>
    CLI::App* command(const char* name, const char* description, T& value, CLI::App* parent = nullptr) {
        CLI::App* sub = (parent ? parent : &app_)->add_subcommand(name, description);
        sub->callback([this, &value] {
            if (!take_) take_ = [this, &value] { invocation_.command = value; };
        });
        sub->fallthrough();
        return sub;
    }

    void add_settings() {
        const auto setting = [this](const char* flag, const char* key, const char* meaning) -> CLI::Option* {
            return app_.add_option_function<std::string>(
                flag, [this, key](const std::string& value) { invocation_.settings[key] = value; }, meaning);
        };
        setting("--home", "home", "where the library and all its secrets lie")->type_name("DIR");
        setting("--bucket-attempts", "bucket.attempts",
                "calls in all when the storage has a passing fault (a directory: 5)");
        setting("--bucket-ca-file", "bucket.ca_file", "PEM file of the TLS authorities to trust (the system's)")
            ->type_name("FILE");
        setting("--bucket-give-up-after", "bucket.give_up_after", "seconds in which a request is repeated (60)");
        setting("--bucket-parallel", "bucket.parallel", "requests at a time for one large file (4)");
        setting("--bucket-stall-after", "bucket.stall_after", "seconds without a byte until a request has failed (30)");
        setting("--bucket-workers", "bucket.workers", "files sealed and sent, or fetched, at a time (3)");
        setting("--import-threads", "import.threads", "files read at a time; 0: one per processor (0)");
        setting("--limit-download", "limits.download", "KiB per second from the bucket; 0: no limit (0)");
        setting("--limit-upload", "limits.upload", "KiB per second to the bucket; 0: no limit (0)");
        setting("--node-poll-s", "node.poll_s", "seconds after which the daemon asks the bucket for news (30)");
        app_.add_flag("--json", invocation_.json, "one JSON object per line, for programs");
        app_.add_flag("-q,--quiet", invocation_.quiet, "results and errors only");
    }

    void add_library_commands() {
        CLI::App* init = command("init", "Create a library here and print its recovery code, once.", init_);
        init->add_option("--name", init_.name, "what to call this device (its host name)");
        init->add_flag("--passphrase", init_.passphrase, "ask for a passphrase to keep the secrets under");

        CLI::App* import = command("import", "Read music from folders and files into the library.", import_);
        import->add_option("PATH", import_.paths, "folders and files")->required();
        import->add_flag("--copy", import_.copy, "copy the files into the library's home");
        import->add_flag("--dry-run", import_.dry_run, "only say what would happen");
        import->add_flag("--again", import_.again,
                         "read what is known and unchanged, too: brings back what was removed");

        CLI::App* list =
            command("list", "List albums, releases, tracks, artists, files, tags, collections or devices.", list_);
        list->add_option("KIND", list_.kind, "what to list")->required();
        list->add_option("QUERY", list_.query, "only those whose names contain this");

        command("show", "Show one thing with what belongs to it and who changed it.", show_)
            ->add_option("ID", show_.id, "its id, or the beginning of it")
            ->required();

        CLI::App* get = command("get", "Fetch and verify the audio of releases.", get_);
        get->add_option("ID", get_.ids, "releases, albums, tracks or files")->required();
        get->add_option("--to", get_.to, "put the files into this directory")->type_name("DIR");
    }

    void add_editing_commands() {
        CLI::App* edit = command("edit", "Change columns of one row.", edit_);
        edit->add_option("KIND", edit_.kind, "album, release, track, artist, tag ...")->required();
        edit->add_option("ID", edit_.id, "its id, or the beginning of it")->required();
        edit->add_option("COLUMN=VALUE", edit_.assignments, "nothing after '=' takes the value away")->required();

        CLI::App* remove =
            command("remove", "Remove one thing and what belongs to it from the library; files stay on disk.", remove_);
        remove->add_option("KIND", remove_.kind, "album, release, track, artist, tag ...")->required();
        remove->add_option("ID", remove_.id, "its id, or the beginning of it")->required();

        CLI::App* tag = app_.add_subcommand("tag", "Put tags on releases and tracks, or take them off.");
        tag->require_subcommand(1);
        tag->fallthrough();
        add_tag(tag, "add", "Put a tag on things.", tag_add_);
        tag_remove_.add = false;
        add_tag(tag, "remove", "Take a tag off things.", tag_remove_);
    }

    void add_tag(CLI::App* parent, const char* name, const char* description, TagCommand& value) {
        CLI::App* sub = command(name, description, value, parent);
        sub->add_option("TAG", value.tag, "the tag's name")->required();
        sub->add_option("ID", value.ids, "releases, tracks, or albums (all their releases)")->required();
    }

    void add_sync_commands() {
        add_bucket();

        CLI::App* sync = command("sync", "One full round: receive, merge, send, then artwork and audio.", sync_);
        sync->add_flag("--mend-clock", sync_.mend_clock,
                       "after this device's clock was wrong: date unsent changes anew");
        sync->add_flag("--yes", sync_.yes, "do not ask");
        command("status", "What is synced, what waits, why, and what releases it.", status_)
            ->add_flag("--seen", status_.seen, "do not show these alarms again");
        CLI::App* conflicts =
            command("conflicts", "Edits that were replaced by others which had not seen them.", conflicts_);
        conflicts->require_subcommand(0, 1);
        command("restore", "Set the lost value again.", conflicts_restore_, conflicts)
            ->add_option("N", conflicts_restore_.restore, "number in the list")
            ->required();
    }

    void add_bucket() {
        CLI::App* bucket = command("bucket", "The place this library syncs through.", bucket_);
        bucket->require_subcommand(0, 1);
        bucket_use_.action = BucketCommand::Action::use;
        CLI::App* use = command("use", "Sync through this place from now on; again: with other credentials, or anew.",
                                bucket_use_, bucket);
        use->add_option("URL", bucket_use_.url,
                        "file:///path or s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION")
            ->required();
        use->add_flag("--create", bucket_use_.create, "make the bucket at the provider if it is not there");
        bucket_probe_.action = BucketCommand::Action::probe;
        CLI::App* probe = command("probe", "Find out what a place really does, and what to set at the provider.",
                                  bucket_probe_, bucket);
        probe->add_option("URL", bucket_probe_.url, "the one in use");
        probe->add_flag("--thorough", bucket_probe_.thorough, "send 6 MiB in parts, too");
    }

    void add_identity_commands() {
        CLI::App* identity = app_.add_subcommand("identity", "The person this library belongs to.");
        identity->require_subcommand(1);
        identity->fallthrough();
        command("show", "Show the identity; in an empty home, make one.", identity_show_, identity);
        identity_export_.export_code = true;
        command("export", "Print a code that brings this library to another device.", identity_export_, identity);

        CLI::App* restore = command("restore", "Make this a further device of the same person.", restore_);
        restore->add_option("CODE", restore_.code,
                            "recovery code, '-' for standard input, '@FILE'; without one it is asked for");
        restore
            ->add_option("--from", restore_.from,
                         "get the library from here instead of the place in the code; a mirror folder will do")
            ->type_name("URL");
        restore->add_option("--name", restore_.name, "what to call this device (its host name)");
        restore->add_flag("--passphrase", restore_.passphrase, "ask for a passphrase to keep the secrets under");
    }

    void add_checking_commands() {
        command("node", "Keep the library synced for as long as this runs: the daemon, for systemd or a terminal.",
                node_);
        command("digest", "Print the digest of the merged state: equal on two devices exactly if their states are.",
                digest_);
        command("dump", "Print every synced row, one JSON object per line, in a canonical order.", dump_);
        CLI::App* verify = command("verify", "Check every object and the state again.", verify_);
        verify->add_flag("--files", verify_.files, "read every audio file here, too");
        CLI::Option* bucket =
            verify->add_flag("--bucket", verify_.bucket, "compare what was sent with what lies in the bucket now");
        verify->add_flag("--read-data", verify_.read_data, "with --bucket: fetch and check what this device has, too")
            ->needs(bucket);
        CLI::App* inspect =
            command("inspect", "Print what is known of objects, certificates and other files of bae.", inspect_);
        inspect->add_option("FILE", inspect_.files, "files; of a mirror or bucket directory, with their path in it")
            ->required();
        inspect->group("");
    }

    CLI::App app_{"bae keeps a music library on your devices, in step and private.", "bae"};
    Invocation invocation_;
    std::function<void()> take_;
    InitCommand init_;
    ImportCommand import_;
    ListCommand list_;
    ShowCommand show_;
    GetCommand get_;
    EditCommand edit_;
    RemoveCommand remove_;
    TagCommand tag_add_, tag_remove_;
    BucketCommand bucket_, bucket_use_, bucket_probe_;
    SyncCommand sync_;
    StatusCommand status_;
    ConflictsCommand conflicts_, conflicts_restore_;
    IdentityCommand identity_show_, identity_export_;
    RestoreCommand restore_;
    NodeCommand node_;
    DigestCommand digest_;
    DumpCommand dump_;
    VerifyCommand verify_;
    InspectCommand inspect_;
};

}  // namespace

std::variant<Invocation, Ended> parse_arguments(int argc, const char* const* argv) {
    return Parser().parse(argc, argv);
}

}  // namespace bae::node
