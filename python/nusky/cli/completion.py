"""``nusky completion bash|zsh|fish``: a script for the shell, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nusky.cli.values import say

__all__ = ["SHELLS", "add_parser", "all_commands", "completion_script"]

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class _Option:
    """One option: how it is written, what may follow it, what it is for."""

    names: tuple[str, ...]
    choices: tuple[str, ...]
    takes: str  # "", "word" or "path"
    about: str


@dataclass(frozen=True)
class _Command:
    """One command or the program itself (empty path)."""

    path: tuple[str, ...]
    commands: dict[str, str]  # names of its own commands, and what they are for
    options: tuple[_Option, ...]
    takes_path: bool
    words: tuple[str, ...]  # that may stand for what it takes


def add_parser(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    parser : ArgumentParser
        Of the program: what is completed.
    """
    own = commands.add_parser(
        "completion",
        help="print a script with which the shell completes commands and options",
        description=(
            'Print a script for the shell. bash: eval "$(nusky completion bash)" in ~/.bashrc; zsh: the same in '
            "~/.zshrc after compinit; fish: nusky completion fish > ~/.config/fish/completions/nusky.fish"
        ),
    )
    own.add_argument("shell", choices=SHELLS)
    own.set_defaults(run=lambda args: say(completion_script(parser, args.shell)))


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Script that completes a program in a shell.

    Parameters
    ----------
    parser : ArgumentParser
    shell : {"bash", "zsh", "fish"}

    Examples
    --------
    >>> parser = argparse.ArgumentParser(prog="find")
    >>> completion_script(parser, "bash").splitlines()[-1]
    'complete -o filenames -F _find find'
    """
    found = list(_commands(parser, ()))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](parser.prog, found)


def all_commands(parser: argparse.ArgumentParser) -> list[tuple[str, ...]]:
    """A program, its commands and theirs, each as the words that are typed after its name."""
    return [command.path for command in _commands(parser, ())]


def _commands(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[_Command]:
    """The program, its commands and theirs."""
    own: dict[str, str] = {}
    parsers: dict[str, argparse.ArgumentParser] = {}
    options: list[_Option] = []
    words: list[str] = []
    takes_path = False
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers = dict(action.choices)
            own = {c.dest: c.help or "" for c in action._choices_actions}
        elif action.option_strings:
            choices = tuple(map(str, action.choices or ()))
            takes = "" if action.nargs == 0 else "path" if action.type is Path else "word"
            about = "" if action.help in (None, argparse.SUPPRESS) else parser._get_formatter()._expand_help(action)
            options.append(_Option(tuple(action.option_strings), choices, takes, about))
        else:
            words += map(str, action.choices or ())
            takes_path |= not action.choices
    yield _Command(path, own, tuple(options), takes_path, tuple(words))
    for name, child in parsers.items():
        yield from _commands(child, (*path, name))


def _bash(program: str, found: list[_Command]) -> str:
    """One function: which command it is, what the last word asks for, else the command's own words."""
    function = f"_{program.replace('-', '_')}"
    names = [" ".join((*c.path, name)) for c in found for name in c.commands]
    after, within = [], []
    for c in found:
        key = " ".join(c.path)
        for o in c.options:
            which = "|".join(f'"{key}:{name}"' for name in o.names)
            if o.choices:
                after.append(f'    {which}) COMPREPLY=($(compgen -W "{" ".join(o.choices)}" -- "$cur")); return ;;')
            elif o.takes == "path":
                after.append(f'    {which}) COMPREPLY=($(compgen -f -- "$cur")); return ;;')
            elif o.takes:
                after.append(f"    {which}) return ;;")
        words = " ".join([*c.commands, *c.words, *(name for o in c.options for name in o.names)])
        paths = ' [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- "$cur"));' if c.takes_path else ""
        within.append(f'    "{key}") COMPREPLY=($(compgen -W "{words}" -- "$cur"));{paths} ;;')
    known = "|".join(f'"{name}"' for name in names) or '""'
    return "\n".join(
        [
            f"{function}() {{",
            '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" next i',
            "  COMPREPLY=()",
            "  for ((i = 1; i < COMP_CWORD; i++)); do",
            '    next="${path:+$path }${COMP_WORDS[i]}"',
            f'    case "$next" in {known}) path="$next" ;; esac',
            "  done",
            '  case "$path:$prev" in',
            *after,
            "  esac",
            '  case "$path" in',
            *within,
            "  esac",
            "}",
            f"complete -o filenames -F {function} {program}",
        ]
    )


def _zsh(program: str, found: list[_Command]) -> str:
    """The same with what each word is for; `_describe` and `_files` are zsh's own."""
    function = f"_{program.replace('-', '_')}"
    names = "|".join(f'"{" ".join((*c.path, name))}"' for c in found for name in c.commands) or '""'
    after, within = [], []
    for c in found:
        key = " ".join(c.path)
        for o in c.options:
            which = "|".join(f'"{key}:{name}"' for name in o.names)
            if o.choices:
                after.append(f"    {which}) compadd -- {' '.join(o.choices)}; return ;;")
            elif o.takes:
                after.append(f"    {which}) {'_files' if o.takes == 'path' else '_message value'}; return ;;")
        described = [*c.commands.items(), *((word, "") for word in c.words)]
        described += [(name, o.about) for o in c.options for name in o.names]
        lines = " ".join(_quoted(f"{word.replace(':', chr(92) + ':')}:{_short(about)}") for word, about in described)
        paths = " [[ $PREFIX == -* ]] || _files;" if c.takes_path else ""
        within.append(f'    "{key}") words_of=({lines}); _describe -o word words_of;{paths} ;;')
    return "\n".join(
        [
            f"#compdef {program}",
            f"{function}() {{",
            '  local where="" i; local -a words_of',
            "  for ((i = 2; i < CURRENT; i++)); do",
            f'    case "${{where:+$where }}${{words[i]}}" in {names}) where="${{where:+$where }}${{words[i]}}" ;; esac',
            "  done",
            '  case "$where:${words[CURRENT-1]}" in',
            *after,
            "  esac",
            '  case "$where" in',
            *within,
            "  esac",
            "}",
            f"compdef {function} {program}",
        ]
    )


def _fish(program: str, found: list[_Command]) -> str:
    """A line for each command and option, with the condition that it stands there."""
    start = f"complete -c {program}"
    lines = [f"{start} -f"]
    for c in found:
        seen = [f"__fish_seen_subcommand_from {name}" for name in c.path]
        children = " ".join(c.commands)
        # the same word may be a command of the program and one of a command
        parents = [p.path[-1] for p in found if len(c.path) == 1 and p.path and c.path[-1] in p.commands]
        seen += [f"not __fish_seen_subcommand_from {' '.join(parents)}"] if parents else []
        inside = "; and ".join(seen)
        free = f"not __fish_seen_subcommand_from {children}" if children else ""
        when = f" -n {_quoted('; and '.join(part for part in (inside, free) if part))}" if inside or free else ""
        for name, about in c.commands.items():
            lines.append(f"{start}{when} -a {name} -d {_quoted(_short(about))}")
        if c.words:
            lines.append(f"{start}{when} -a {_quoted(' '.join(c.words))}")
        if c.takes_path:
            lines.append(f"{start}{when} -F")
        for o in c.options:
            written = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in o.names)
            value = {"": "", "word": " -x", "path": " -r -F"}[o.takes]
            value = f" -x -a {_quoted(' '.join(o.choices))}" if o.choices else value
            lines.append(f"{start}{when} {written}{value} -d {_quoted(_short(o.about))}")
    return "\n".join(lines)


def _short(about: str) -> str:
    return " ".join(about.split())[:70]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"
