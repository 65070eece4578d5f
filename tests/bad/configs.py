"""Bad files of the desired state."""

from collections.abc import Iterator

from tests.bad.case import Case
from tests.state.acts import dice

ID = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"
MODEL = f'[models.a]\nid = "{ID}"\n'
DAILY = f'{MODEL}cache.p.at = "06:00"\nrefresh.at = "06:00"\n'
WHOLE = f"""\
[omni]
base_url = "https://myorg.omniapp.co"
requests_per_minute = 60
{MODEL}refresh = {{ every = "6h", mode = "soft", schemas = ["x"] }}
[models.a.cache.daily]
at = "06:00"
days = "mon-fri"
after = "models.a.refresh"
"""

KEYS = {
    "[omni]": ("base_url", "api", "requests_per_minute"),
    "[state]": ("url",),
    f"{DAILY}[defaults]": ("timezone", "deadline", "on_change", "spread", "hold_after", "timeout"),
    "[limits]": ("calls", "hard_refreshes", "share"),
    '[[freeze]]\nname = "x"': ("from", "until", "allow", "days"),
    MODEL: ("connection", "timezone", "refresh", "cache"),
    f"{MODEL}[models.a.refresh]": (
        "every", "cron", "at", "when_changed", "mode", "branch_id", "timeout", "pause", "deadline"
    ),
    f"{MODEL}[models.a.cache.p]": ("every", "cron", "at", "reset_at", "after", "spread", "pause"),
}  # fmt: skip
NEVER = {
    "not a number": "nan",
    "endless": "-inf",
    "huge": "1e999999",
    "beyond 64 bits": str(2**64),
    "a time": "06:00:00.5",
    "a list of lists": "[[[]]]",
    "a strange table": '{ "" = 1, "__proto__" = 2 }',
    "control characters": '"\\u001b[31m\\u0000"',
}

ATTACKS = {
    "nothing": b"",
    "comments": b"# nothing\n",
    "deep arrays": b"a = " + b"[" * 100_000,
    "deep and closed": b"a = " + b"[" * 600 + b"]" * 600,
    "deep tables": b"a = " + b"{a=" * 100_000,
    "many parts": b".".join([b"a"] * 40_000) + b" = 1",
    "many parts in a header": b"[" + b".".join([b"a"] * 40_000) + b"]",
    "many parts, each time one more": b"\n".join(
        b".".join([b"a"] * n) + b"=1" for n in range(1, 400)
    ),
    "a long integer": b"a = " + b"9" * 4_301,
    "a long hex integer": b"a = 0x" + b"f" * 1_000_000,
    "many keys": b"\n".join(b"k%d = 1" % n for n in range(60_000)),
    "many tables": b"\n".join(b"[t%d]" % n for n in range(20_000)),
    "a repeated key": b"a = 1\na = 2\n",
    "a repeated table": b"[a]\n[a]\n",
    "invalid UTF-8": b'a = "\xff"\n',
    "overlong UTF-8": b'a = "\xc0\xaf"\n',
    "a lone surrogate": b'a = "\\ud800"\n',
    "a raw NUL": b"a = \0\n",
    "a raw escape": b'a = "\x1b[31m"\n',
    "UTF-16": WHOLE.encode("utf-16"),
    "UTF-32": WHOLE.encode("utf-32"),
    "a merge": b"<<<<<<< HEAD\n" + WHOLE.encode() + b"=======\n>>>>>>> other\n",
    "an archive": b"PK\x03\x04" + bytes(range(256)) * 4,
    "JSON": b'{"models": {}}',
    "YAML": b"models:\n  a:\n    id: 1\n",
    "an open string": b'a = "' + b"x" * 1_000_000,
    "an open multi-line string": b'a = """' + b"x\n" * 200_000,
    "a million quotes": b"a = '''" + b"'" * 1_000_000,
    "a million brackets": b"a = " + b"]" * 1_000_000,
    "a million spaces": b" " * 1_000_000 + b"=",
    "a million line breaks and no more": b"\n" * 1_000_000 + b"=",
    "a long unknown key": b"x" * 200_000 + b" = 1",
    "names that look alike": "[models.a]\n[models.\u0430]\n".encode(),
    "hostile names": b'[models."\\u001b[31m\\u202e"]\nid = "x"\n',
    "an expression": b'[models.a]\nid = "${OMNI_API_KEY}"\n',
    "a path for an id": b'[models.a]\nid = "../../v1/users"\n',
}


NOTHING = {"nothing", "comments"}
"""What declares nothing yet is how every file begins."""


def configs() -> Iterator[Case]:
    for name, data in ATTACKS.items():
        yield Case("config", name, data, refused=name not in NOTHING)
    for section, keys in KEYS.items():
        for key in keys:
            for name, wrong in NEVER.items():
                if (key, name) == ("cache", "a strange table"):
                    continue
                text = f"{section}\n{key} = {wrong}\n"
                yield Case("config", f"{section.split()[-1]} {key} is {name}", text.encode())
    random = dice(5)
    whole = WHOLE.encode()
    for part in range(1, 30):
        cut = whole[: len(whole) * part // 30]
        yield Case("config", f"cut at {part}/30", cut, refused=False)
    for _ in range(60):
        place = random.randrange(len(whole))
        data = whole[:place] + random.randbytes(1 + place % 3) + whole[place + 1 :]
        yield Case("config", f"noise at {place}: {data[place : place + 3]!r}", data, refused=False)
