#!/usr/bin/env python3
"""A further device from a recovery code."""
from homes import *


class Restore(Case):
    def test_a_third_device_from_an_exported_code_has_the_same_library(self):
        study, kitchen = self.two_devices()
        phone = self.home("phone").restore(kitchen.export())
        self.settle(phone, study, kitchen)
        self.assert_same(phone, study, kitchen)
        self.assertEqual({device["name"] for device in study.status()["devices"]}, {"study", "kitchen", "phone"})

    def test_the_code_that_init_printed_restores_from_a_place_that_is_named(self):
        study, _ = self.two_devices()
        phone = self.home("phone").restore(study.code, "--from", self.bucket_url)
        self.settle(phone, study)
        self.assert_same(phone, study)

    def test_the_code_that_init_printed_names_no_place_and_the_message_says_what_to_do(self):
        study = self.home("study").init()
        ran = self.home("phone").run("restore", "-", stdin=study.code, code=USAGE)
        self.assertIn("--from", ran.err)

    def test_a_library_that_never_had_a_bucket_restores_from_a_copy_of_its_mirror(self):
        study = self.home("study").init()
        study.run("import", self.music())
        self.assertEqual(study.status()["unsealed"], 0)
        shutil.copytree(study.path / "mirror", self.root / "usb")
        study.run("edit", "release", study.rows("releases")[0]["id"], "label=Later")
        self.assertEqual((study.status()["unsealed"], study.status()["pending"] > 1), (1, True))
        study.sync()
        for _ in range(2):
            before = tree(study.path / "mirror")
            study.sync()
            self.assertEqual(tree(study.path / "mirror"), before, "nothing new, nothing written")
        shutil.copytree(study.path / "mirror", self.root / "disk")
        for name, place, label in (("phone", "usb", None), ("tablet", "disk", "Later")):
            device = self.home(name).restore(study.code, "--from", str(self.root / place))
            device.sync()
            self.assertEqual(device.rows("tracks"), study.rows("tracks"))
            self.assertEqual(device.rows("releases")[0]["label"], label)

    def test_a_library_that_gets_its_first_bucket_late_sends_everything(self):
        study = self.home("study").init()
        study.run("import", self.music())
        study.sync()
        study.run("edit", "release", study.rows("releases")[0]["id"], "label=Later")
        study.sync()
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        self.assertEqual((study.status()["state"], study.status()["pending"]), ("synced", 0))
        kitchen = self.home("kitchen").restore(study.export())
        self.settle(kitchen, study)
        self.assert_same(kitchen, study)

    def test_the_mirror_in_another_home_is_read_and_left_alone(self):
        study = self.home("study").init()
        study.run("import", self.music())
        code, before = study.export(), tree(study.path / "mirror")
        ran = self.home("phone").run("restore", "-", "--from", study.path / "mirror", stdin=code)
        self.assertIn("bucket use", ran.err)
        phone = self.home("phone")
        self.assertEqual(phone.rows("tracks"), study.rows("tracks"))
        self.assertIsNone(phone.run("bucket", "--json").summary["bucket"])
        phone.sync()
        self.assertEqual(tree(study.path / "mirror"), before)
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        phone.run("bucket", "use", self.bucket_url)
        self.settle(phone, study)
        self.assert_same(phone, study)

    def test_the_place_in_the_code_stays_the_bucket(self):
        study, _ = self.two_devices()
        shutil.copytree(study.path / "mirror", self.root / "usb")
        before = tree(self.root / "usb")
        phone = self.home("phone").restore(study.export(), "--from", self.root / "usb")
        self.assertEqual(phone.run("bucket").out.strip(), self.bucket_url)
        self.assertEqual(phone.rows("tracks"), study.rows("tracks"))
        self.settle(phone, study)
        self.assert_same(phone, study)
        self.assertEqual(tree(self.root / "usb"), before)

    def test_a_place_that_is_named_is_the_bucket_when_the_one_in_the_code_is_gone(self):
        study, _ = self.two_devices(count=1)
        self.bucket.rename(self.root / "moved")
        tablet = self.home("tablet").restore(study.export(), "--from", self.root / "moved")
        self.assertEqual(tablet.run("bucket").out.strip(), f"file://{self.root / 'moved'}")

    def test_what_export_prints_can_be_given_whole(self):
        study, _ = self.two_devices()
        whole = study.run("identity", "export").out
        (self.root / "code").write_text("a note\n\n" + whole + "\n\n")
        self.home("phone").run("restore", "-", stdin="a note\n" + whole + "\n")
        self.home("tablet").run("restore", f"@{self.root / 'code'}")
        self.assertEqual(whole.count("\n"), 1)
        self.assertIn("@FILE", self.home("desk").run("restore", code=FAILED).err)

    def test_json_names_what_was_made(self):
        summary = self.home("study").run("init", "--json").summary
        self.assertRegex(summary["library_id"], "^[0-9a-f]{64}$")
        self.assertRegex(summary["device_id"], "^[0-9a-f]{16}$")
        self.assertRegex(summary["identity"], "^[0-9a-f]{64}$")

    def test_a_wrong_code_is_refused_and_leaves_nothing(self):
        study, _ = self.two_devices()
        phone = self.home("phone")
        code = study.export()
        wrong = code[:10] + ("A" if code[10] != "A" else "B") + code[11:]
        for bad in (wrong, code[:-8], "hello", ""):
            phone.run("restore", "-", stdin=bad, code=WRONG_KEY)
            self.assertFalse((phone.path / "library.id").exists(), bad)
        phone.restore(code).sync()

    def test_a_code_of_another_person_does_not_open_the_library(self):
        self.two_devices()
        stranger = self.home("stranger").init()
        ran = self.home("phone").run("restore", "-", "--from", self.bucket_url, stdin=stranger.code, code=WRONG_KEY)
        self.assertFalse((self.root / "phone/library.id").exists(), ran.err)

    def test_a_code_in_a_file_works_silently_and_one_in_the_clear_warns(self):
        study, _ = self.two_devices()
        (self.root / "code").write_text(study.export())
        self.assertEqual(self.home("phone").run("restore", f"@{self.root / 'code'}").err, "")
        self.assertIn("other users", self.home("tablet").run("restore", study.export()).err)

    def test_restoring_into_a_home_that_has_a_library_is_refused(self):
        study, kitchen = self.two_devices()
        ran = kitchen.run("restore", "-", stdin=study.export(), code=FAILED)
        self.assertIn("library already", ran.err)
        self.assert_same(study, kitchen)

    def test_secrets_under_a_passphrase_need_it(self):
        passphrase = self.root / "passphrase"
        passphrase.write_text("correct horse\n")
        study = self.home("study")
        study.run("init", env={"BAE_PASSPHRASE_FILE": str(passphrase)})
        study.run("identity", "export", env={"BAE_PASSPHRASE_FILE": str(passphrase)})
        self.assertIn("BAE_PASSPHRASE_FILE", study.run("identity", "export", code=WRONG_KEY).err)
        passphrase.write_text("battery staple\n")
        study.run("identity", "export", env={"BAE_PASSPHRASE_FILE": str(passphrase)}, code=WRONG_KEY)
        study.run("list", "albums")
        study.run("digest")

    def test_an_identity_made_before_the_library_is_the_one_it_gets(self):
        study = self.home("study")
        made = study.run("identity", "show", "--json").summary
        self.assertTrue(made["recovery_code"])
        self.assertEqual(study.run("init", "--json").summary["identity"], made["identity"])
        self.assertEqual(study.run("identity", "show").out.strip(), made["identity"])


if __name__ == "__main__":
    main()
