"""Every command and every option of ``kokin`` explains itself, in Japanese."""

from __future__ import annotations

import re

import click
import pytest

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


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_says_what_it_does(words):
    assert JAPANESE.search(COMMANDS[words].help or "")


@pytest.mark.parametrize("words", COMMANDS)
def test_an_option_says_what_it_is_for(words):
    options = [p for p in COMMANDS[words].params if isinstance(p, click.Option)]
    silent = [p.opts for p in options if not JAPANESE.search(p.help or "")]
    assert [names for names in silent if names != ["--version"]] == []
