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
        study.run("bucket", "use", self.bucket_url)
        study.sync()
        shutil.copytree(study.path / "mirror", self.root / "usb")
        phone = self.home("phone").restore(study.code, "--from", str(self.root / "usb"))
        phone.sync()
        self.assertEqual(phone.rows("tracks"), study.rows("tracks"))

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
