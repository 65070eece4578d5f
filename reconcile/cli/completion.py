"""`completion`: a script for the shell, and the addresses that script asks for."""

import argparse
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from reconcile.terminal.console import Console

# `completion`: a script for the shell, and the addresses that script asks for.


def run_completion(options: Namespace, console: Console) -> int:
    """Print the script, or one address a line."""
    if options.shell == "addresses":
        from reconcile.config.toml import plain_addresses

        console.give("".join(f"{address}\n" for address in plain_addresses(options.file)))
        return 0
    from reconcile.cli.main import command_line

    console.give(SHELLS[options.shell](tuple(levels(command_line()))))
    return 0


# What can be typed after each command, read from the same tables that parse it.

Files = Literal["files"]
Addresses = Literal["addresses"]
Values = tuple[str, ...] | Files | Addresses | None
"""What may follow: words of a list, a path, an address, or something nobody can guess."""


class Typed(NamedTuple):
    """One option. `values` is None also where it takes none: see `takes_value`."""

    spellings: tuple[str, ...]
    summary: str
    takes_value: bool
    values: Values


class Level(NamedTuple):
    """A command or a verb of one; the first level is the program itself, with no `path`."""

    path: tuple[str, ...]
    below: Mapping[str, str]
    options: tuple[Typed, ...]
    arguments: Values


def levels(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Level]:
    """Yield a parser's own level, then those of its commands."""
    # argparse keeps its tables under private names, and has no others to read them by.
    actions = parser._actions  # noqa: SLF001
    below: dict[str, str] = {}
    parsers: dict[str, argparse.ArgumentParser] = {}
    arguments: Values = None
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            parsers = dict(action.choices)
            below = {str(a.dest): a.help or "" for a in action._choices_actions}  # noqa: SLF001
        elif not action.option_strings:
            arguments = _values(action)
    options = tuple(_typed(action) for action in actions if action.option_strings)
    yield Level(path, below, options, arguments)
    for name, child in parsers.items():
        yield from levels(child, (*path, name))


def _typed(action: argparse.Action) -> Typed:
    takes_value = action.nargs != 0
    summary = (action.help or "").replace("%%", "%")
    values = _values(action) if takes_value else None
    return Typed(tuple(action.option_strings), summary, takes_value, values)


def _values(action: argparse.Action) -> Values:
    if action.choices is not None:
        return tuple(str(choice) for choice in action.choices)
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if "ADDRESS" in metavar or metavar == "PATTERN":
        return "addresses"
    words = ("FILE", "DIR", "PLAN", "URL", ".json")
    return "files" if any(word in metavar for word in words) else None


# Completion scripts. What goes into them is our own words and nothing of the user's.

_BASH = """\
# Completes reconcile. Use it with: source <(reconcile completion bash)
_reconcile_addresses() {
    local file=reconcile.toml i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
        -f | --file) file="${COMP_WORDS[i + 1]}" ;;
        --file=*) file="${COMP_WORDS[i]#*=}" ;;
        esac
        if [[ "$file" == "=" ]]; then file="${COMP_WORDS[i + 2]}"; fi
    done
    reconcile completion addresses -f "$file" 2>/dev/null
}

_reconcile() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}" command="" words=""
    if [[ "$cur" == "=" ]]; then cur=""; fi
    if [[ "$prev" == "=" ]]; then prev="${COMP_WORDS[COMP_CWORD - 2]}"; fi
    if ((COMP_CWORD > 1)); then command="${COMP_WORDS[1]}"; fi
    if [[ "$command" == state ]] && ((COMP_CWORD > 2)); then command="state ${COMP_WORDS[2]}"; fi
    COMPREPLY=()
    case "$command $prev" in
%(values)s
    esac
    if [[ "$cur" == -* ]]; then
        case "$command" in
%(options)s
        esac
    else
        case "$command" in
%(arguments)s
        *) compopt -o default 2>/dev/null; return ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
"""
_REGISTER = "complete -F _reconcile reconcile\n"
_REGISTER_ZSH = """\
_reconcile_zsh() {
    if [[ "$words[CURRENT]" == --*=* ]]; then
        words[CURRENT,CURRENT]=("${words[CURRENT]%%=*}" "${words[CURRENT]#*=}")
        ((CURRENT++))
        compset -P 1 '*='
    fi
    _bash_complete -o default -F _reconcile
}
compdef _reconcile_zsh reconcile
"""
"""zsh leaves `--option=value` one word, which bash cuts. It runs the function in a subshell, from
where it cannot ask for files where files belong."""

_ZSH = """\
# Completes reconcile. Use it with: source <(reconcile completion zsh)
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
"""
_FISH = """\
# Completes reconcile. Use it with: reconcile completion fish | source
function __reconcile_at
    set -l words (commandline -opc)
    set -l depth (count $argv)
    set -e words[1]
    test (count $words) -ge $depth; or return 1
    test $depth -eq 0; or test "$words[1..$depth]" = "$argv"
end
function __reconcile_only
    test (count (commandline -opc)) -eq (math (count $argv) + 1); and __reconcile_at $argv
end
function __reconcile_addresses
    set -l words (commandline -opc)
    set -l file reconcile.toml
    for option in -f --file
        if set -l place (contains -i -- $option $words[1..-2])
            set file $words[(math $place + 1)]
        end
    end
    for word in (string match -- '--file=*' $words)
        set file (string replace -- '--file=' '' $word)
    end
    reconcile completion addresses -f $file 2>/dev/null
end
complete -c reconcile -f
"""


def bash(levels: Sequence[Level]) -> str:
    """Return the script for bash."""
    return _bash_function(levels) + _REGISTER


def zsh(levels: Sequence[Level]) -> str:
    """Return the script for zsh, which runs completion functions written for bash."""
    return _ZSH + _bash_function(levels) + _REGISTER_ZSH


def fish(levels: Sequence[Level]) -> str:
    """Return the script for fish."""
    return _FISH + "".join(f"{line}\n" for level in levels for line in _fish_level(level))


SHELLS: Mapping[str, Callable[[Sequence[Level]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def _bash_function(levels: Sequence[Level]) -> str:
    return _BASH % {
        "values": "\n".join(line for level in levels for line in _bash_values(level)),
        "options": "\n".join(_bash_options(level) for level in levels),
        "arguments": "\n".join(line for level in levels for line in _bash_arguments(level)),
    }


def _bash_values(level: Level) -> Iterator[str]:
    for option in level.options:
        if option.takes_value:
            patterns = " | ".join(f'"{" ".join((*level.path, one))}"' for one in option.spellings)
            yield f"    {patterns}) {_bash_words(option.values)} ;;"


def _bash_words(values: Values) -> str:
    match values:
        case None:
            return "return"
        case "files":
            return "compopt -o default 2>/dev/null; return"
        case "addresses":
            words = "$(_reconcile_addresses)"
        case _:
            words = " ".join(values)
    return f'COMPREPLY=($(compgen -W "{words}" -- "$cur")); return'


def _bash_options(level: Level) -> str:
    words = " ".join(spelling for option in level.options for spelling in option.spellings)
    return f'        "{" ".join(level.path)}") words="{words}" ;;'


def _bash_arguments(level: Level) -> Iterator[str]:
    pattern = f'        "{" ".join(level.path)}")'
    if level.below:
        yield f'{pattern} words="{" ".join(level.below)}" ;;'
    elif level.arguments == "addresses":
        yield f'{pattern} words="$(_reconcile_addresses)" ;;'
    elif isinstance(level.arguments, tuple):
        yield f'{pattern} words="{" ".join(level.arguments)}" ;;'


def _fish_level(level: Level) -> Iterator[str]:
    at = " ".join(level.path)
    for name, summary in level.below.items():
        condition = _fish_quoted(f"__reconcile_only {at}".rstrip())
        yield f"complete -c reconcile -n {condition} -a {name} -d {_fish_quoted(summary)}"
    condition = _fish_quoted(f"__reconcile_at {at}" if at else "__reconcile_only")
    for option in level.options:
        yield f"complete -c reconcile -n {condition} {_fish_option(option)}"
    if words := _fish_words(level.arguments):
        yield f"complete -c reconcile -n {condition} {words}"


def _fish_option(option: Typed) -> str:
    parts = [
        f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"
        for spelling in option.spellings
    ]
    if option.takes_value:
        parts.append("-r" if option.values == "files" else "-x")
        parts.append(_fish_words(option.values))
    return " ".join((*filter(None, parts), f"-d {_fish_quoted(option.summary)}"))


def _fish_words(values: Values) -> str:
    match values:
        case None:
            return ""
        case "files":
            return "-F"
        case "addresses":
            return "-a '(__reconcile_addresses)'"
        case _:
            return f"-a {_fish_quoted(_spaced(values))}"


def _spaced(words: Iterable[str]) -> str:
    return " ".join(words)


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
