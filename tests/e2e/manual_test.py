#!/usr/bin/env python3
"""The manual page and the completions know every command and flag that the program has, and no others."""
from homes import *


class Manual(Case):
    def help(self, *command):
        return self.home("none").run(*command, "--help").out

    def commands(self):
        listed = self.help().split("Subcommands:")[1]
        return re.findall(r"^  (\w+)  ", listed, re.M)

    def flags(self):
        return {flag for command in [[], *[[name] for name in self.commands()]] for flag in re.findall(r"(?<![\w-])--[a-z-]+", self.help(*command).split("Exit codes")[0])} - {"--help", "--version"}

    def test_the_manual_page_has_every_command_and_flag(self):
        page = (SOURCE / "node/bae.1").read_text().replace("\\-", "-")
        self.assertEqual(re.findall(r"^\.TP\n\.B (\w+)", page.split(".SH OPTIONS")[0], re.M), self.commands())
        self.assertEqual(self.flags() - set(re.findall(r"--[a-z-]+", page)), set())

    def test_completions_have_every_command_and_flag(self):
        script = (SOURCE / "node/bae.bash").read_text()
        self.assertTrue(set(self.commands()) <= set(self.completed("")))
        self.assertEqual(self.flags() - set(re.findall(r"--[a-z-]+", script)), set())
        self.assertEqual(self.completed("identity", ""), ["export", "show"])
        self.assertEqual(self.completed("--home", "/x", "list", "al"), ["albums"])

    def completed(self, *words):
        script = f'source "{SOURCE / "node/bae.bash"}"; COMP_WORDS=(bae "$@"); COMP_CWORD=$#; _bae; printf "%s\\n" "${{COMPREPLY[@]}}"'
        out = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True).stdout
        return sorted(word for word in out.split() if not word.startswith("-"))


if __name__ == "__main__":
    main()
