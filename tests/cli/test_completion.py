"""What a shell offers after TAB, in the shells themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nusky.cli.command import _parser
from nusky.cli.completion import SHELLS, all_commands, completion_script


def ask(shell: str, line: str, folder: Path) -> set[str]:
    """Words offered for the last word of a line (which may be empty)."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = folder / "script"
    script.write_text(completion_script(_parser(), shell))
    words = line.split(" ")
    if shell == "bash":
        array = " ".join(f"'{word}'" for word in words)
        given = f"COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}"
        command = f'source {script}; {given}; _nusky; printf "%s\\n" "${{COMPREPLY[@]}}"'
    elif shell == "zsh":
        # zsh's own functions, as far as the script calls them: what they would offer
        array = " ".join(f"'{word}'" for word in words)
        command = (
            "compdef() { :; }; _files() { print -l -- *; }; _message() { :; }\n"
            "compadd() { [[ $1 == -- ]] && shift; print -l -- ${(M)@:#$PREFIX*}; }\n"
            '_describe() { local -a all=("${(@P)3}"); all=("${(@)all%%:*}"); print -l -- ${(M)all:#$PREFIX*}; }\n'
            f"source {script}; words=({array}); CURRENT={len(words)}; PREFIX='{words[-1]}'; _nusky"
        )
    else:
        command = f"source {script}; complete -C '{line}'"
    done = subprocess.run([shell, "-c", command], capture_output=True, text=True, check=True, cwd=folder, timeout=60)
    assert done.stderr == ""
    return {entry.split("\t")[0] for entry in done.stdout.splitlines() if entry}


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_values_are_offered_where_they_stand(tmp_path: Path, shell: str) -> None:
    (tmp_path / "map.fits").touch()
    names = {path[0] for path in all_commands(_parser()) if len(path) == 1}
    assert {"demo", "scan", "follow-up", "completion"} <= names
    assert ask(shell, "nusky ", tmp_path) >= names
    assert ask(shell, "nusky s", tmp_path) == {"scan", "sensitivity", "status"}
    assert ask(shell, "nusky data ", tmp_path) >= {"list", "fetch", "verify"}
    assert ask(shell, "nusky library st", tmp_path) == {"status"}
    assert ask(shell, "nusky scan --kind ", tmp_path) == {"probability", "density", "2dlnl", "cl", "region"}
    assert ask(shell, "nusky completion ", tmp_path) >= set(SHELLS)
    assert "map.fits" in ask(shell, "nusky scan ", tmp_path)
    assert "map.fits" in ask(shell, "nusky demo --real ", tmp_path)
    assert ask(shell, "nusky scan --min", tmp_path) == {"--min-dec"}
    assert "--truth" not in ask(shell, "nusky demo --", tmp_path)


def test_the_option_of_one_command_is_not_that_of_another_of_its_name(tmp_path: Path) -> None:
    """``nusky status`` and ``nusky library status``."""
    for shell in SHELLS:
        if shutil.which(shell):
            assert "--expect" in ask(shell, "nusky library status --", tmp_path)
            assert "--expect" in ask(shell, "nusky status --", tmp_path)
