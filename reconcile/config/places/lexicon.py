"""The pieces of TOML that hide other pieces. Every pattern is linear, on hostile text too.

Strings match up to where they must end even if they never do: an unterminated string is then
passed over once, and not tried again from each quote inside it.
"""

import re

STRING = (
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3,5})?'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5})?"
    r'|"(?:[^"\\\n]|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
)
COMMENT = r"#[^\n]*+"
KEY_PART = r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\[^\n])*+"|'[^'\n]*+'"""
DOT = r"[ \t]*+\.[ \t]*+"

HIDING = re.compile(rf"{STRING}|{COMMENT}")
BLANK = re.compile(rf"(?:[ \t\r\n]|{COMMENT})*+")
