#!/usr/bin/env python3
"""What devices do over a directory, over each S3 server: the same tests, those in which the carrier has a part."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
import get_test  # noqa: E402
import restore_test  # noqa: E402
import sync_test  # noqa: E402
from homes import require_music  # noqa: E402
from on_servers import OverS3, main, on_each_server  # noqa: E402


@on_each_server
class Sync(OverS3, sync_test.Sync):
    only = {
        "test_edits_of_different_columns_made_offline_are_both_there",
        "test_an_album_deleted_on_one_device_and_tagged_on_the_other_is_gone_on_both",
        "test_the_same_column_edited_twice_is_a_conflict_that_can_be_restored",
        "test_an_idle_round_is_one_request_and_writes_nothing",
        "test_artwork_comes_with_the_rows_and_is_the_same_picture",
        "test_the_bucket_reveals_no_name",
        "test_an_emptied_bucket_is_filled_again_when_it_is_chosen_again",
        "test_a_bucket_of_another_library_is_refused",
        "test_a_copied_home_becomes_a_device_of_its_own",
    }


@on_each_server
class Restore(OverS3, restore_test.Restore):
    only = {
        "test_a_third_device_from_an_exported_code_has_the_same_library",
        "test_the_code_that_init_printed_restores_from_a_place_that_is_named",
        "test_a_library_that_gets_its_first_bucket_late_sends_everything",
        "test_the_mirror_in_another_home_is_read_and_left_alone",
        "test_the_place_in_the_code_stays_the_bucket",
        "test_a_code_of_another_person_does_not_open_the_library",
    }


@on_each_server
class Get(OverS3, get_test.Get):
    only = {
        "test_every_file_arrives_with_its_bytes",
        "test_two_at_once_give_only_whole_files_their_names",
        "test_what_is_still_uploading_says_where_and_comes_later",
        "test_a_damaged_blob_is_refused_and_the_others_arrive",
        "test_a_file_that_changed_is_not_sent_until_it_is_imported_again",
    }


if __name__ == "__main__":
    require_music()
    main()
