"""Every command and every option of ``kokin`` explains itself, in Japanese."""

from __future__ import annotations

import re

import click

from web.cli import main

JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")
# The commands that the first release promises (design: interfaces that stay put).
PROMISED = {
    "assessments", "cases", "day", "demo", "doctor", "init", "intake", "outcomes", "reconcile",
    "sample", "schedule", "serve", "slips", "user", "verify",
}  # fmt: skip


def _commands(command: click.Command, words: tuple[str, ...] = ("kokin",)):
    yield " ".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, (*words, name))


COMMANDS = dict(_commands(main))


def test_the_promised_commands_are_there():
    assert {f"kokin {name}" for name in PROMISED} <= COMMANDS.keys()


def test_a_command_says_what_it_does():
    silent = [words for words in COMMANDS if not JAPANESE.search(COMMANDS[words].help or "")]
    assert silent == []


def test_an_option_says_what_it_is_for():
    silent = [
        (words, option.opts)
        for words, command in COMMANDS.items()
        for option in command.params
        if isinstance(option, click.Option) and not JAPANESE.search(option.help or "")
    ]
    assert [(words, names) for words, names in silent if names != ["--version"]] == []
