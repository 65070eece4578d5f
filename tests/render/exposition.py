"""A strict reader of the Prometheus text format, as far as it is written here."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
HELP = re.compile(rf"# HELP ({NAME}) ([^\n]+)")
TYPE = re.compile(rf"# TYPE ({NAME}) gauge")
SAMPLE = re.compile(rf'({NAME})(?:\{{({NAME})="((?:[^"\\\n]|\\["\\n])*)"\}})? (\S+)')
UNESCAPED = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


def parse_exposition(text: str) -> dict[tuple[str, str], float]:
    """Map (name, label's value or nothing) to values; raises AssertionError for what is wrong."""
    assert text.endswith("\n")
    helped: list[str] = []
    typed: list[str] = []
    samples: dict[tuple[str, str], float] = {}
    for line in text[:-1].split("\n"):
        if match := HELP.fullmatch(line):
            helped.append(match[1])
        elif match := TYPE.fullmatch(line):
            typed.append(match[1])
            assert typed == helped, "TYPE follows HELP, and both come once"
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            name, _, value, number = match.groups(default="")
            assert name == typed[-1], "samples of one metric stand together below its TYPE"
            key = name, re.sub(r"\\.", lambda found: UNESCAPED[found[0]], value)
            assert key not in samples, "each series comes once"
            samples[key] = float(number)
    assert len(set(helped)) == len(helped)
    return samples
