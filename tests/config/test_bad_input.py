"""A corpus of small mistakes: what is said about each, and where."""

import pytest

from tests.config.given import ID, refused

M = f'[models.a]\nid = "{ID}"\n'
R = f"{M}[models.a.refresh]\n"
C = f"{M}[models.a.cache.p]\n"

CORPUS = {
    "unknown section": ("[model.a]\nx = 1", "unknown-key", 1, 2),
    "misspelt key": (f'{R}evry = "6h"', "unknown-key", 4, 1),
    "unknown key in dotted form": (f'{M}refresh.evry = "6h"', "unknown-key", 3, 1),
    "unknown key in an inline table": (
        f'{M}refresh = {{ every = "6h", x = 1 }}',
        "unknown-key",
        3,
        27,
    ),
    "id not a uuid": ('[models.a]\nid = "sales"\nrefresh.every = "1h"', "not-a-uuid", 2, 6),
    "branch not a uuid": (f'{R}every = "1h"\nbranch_id = "main"', "not-a-uuid", 5, 13),
    "id missing": ('[models.a]\nrefresh.every = "1h"', "model-without-id", 1, 1),
    "two cadences": (f'{R}every = "1h"\ncron = "0 0 * * *"', "two-cadences", 5, 1),
    "no cadence": (f'{R}mode = "soft"', "no-cadence", 3, 1),
    "no cadence in a dotted table": (f'{M}refresh.mode = "soft"', "no-cadence", 3, 1),
    "unknown zone": (f'{R}every = "1h"\ntimezone = "EST5"', "unknown-zone", 5, 12),
    "zone of the model": (f'{M}timezone = "X"\nrefresh.every = "1h"', "unknown-zone", 3, 12),
    "bad cron": (f'{R}cron = "0 25 * * *"', "bad-cron", 4, 11),
    "bad cron in single quotes": (f"{R}cron = '0 25 * * *'", "bad-cron", 4, 11),
    "bad duration": (f'{R}every = "6 hours"', "bad-duration", 4, 9),
    "no duration": (f'{R}every = "0h"', "bad-duration", 4, 9),
    "bad timeout": (f'{R}every = "1h"\ntimeout = "x"', "bad-duration", 5, 11),
    "bad time in a list": (f'{R}at = [\n  "06:00",\n  "25:00",\n]', "bad-time", 6, 3),
    "empty list of times": (f"{R}at = []", "bad-time", 4, 6),
    "bad days": (f'{R}at = "06:00"\ndays = "monday"', "bad-days", 5, 8),
    "days without at": (f'{R}every = "1h"\ndays = "mon"', "days-need-at", 5, 1),
    "missing without files": (f'{R}every = "1h"\nmissing = "wait"', "missing-needs-files", 5, 1),
    "watched file missing": (f'{R}when_changed = ["nope"]', "watched-file-missing", 4, 16),
    "watched folder": (f'{R}when_changed = ["."]', "watched-file-unreadable", 4, 16),
    "watched outside": (f'{R}when_changed = ["/etc/shadow"]', "watched-file-outside", 4, 16),
    "watched zero byte": (f'{R}when_changed = ["a\\u0000"]', "watched-file-unreadable", 4, 16),
    "no watched files": (f"{R}when_changed = []", "empty-list", 4, 16),
    "spread without a clock": (f'{R}every = "1h"\nspread = "5m"', "spread-needs-a-clock", 5, 1),
    "filters on a hard refresh": (f'{R}every = "1h"\nschemas = ["a"]', "filters-need-soft", 5, 1),
    "empty filter": (f'{R}every = "1h"\nmode = "soft"\ntables = []', "empty-list", 6, 10),
    "comma in a filter": (f'{R}every = "1h"\nmode = "soft"\ntables = ["a,b"]', "bad-name", 6, 11),
    "mode misspelt": (f'{R}every = "1h"\nmode = "Soft"', "not-one-of", 5, 8),
    "number for text": (f"{R}every = 6", "wrong-type", 4, 9),
    "time for text": (f"{R}at = 06:00:00", "wrong-type", 4, 6),
    "text for a table": (f'{M}refresh = "6h"', "wrong-type", 3, 11),
    "table for an array": ('[freeze]\nname = "x"', "wrong-type", 1, 1),
    "number in a list": (f'{R}at = ["06:00", 7]', "wrong-type", 4, 16),
    "true for a number": (f'{R}every = "1h"\nhold_after = true', "wrong-type", 5, 14),
    "number below range": (f'{R}every = "1h"\nhold_after = 0', "out-of-range", 5, 14),
    "negative limit": ("[limits]\ncalls = -1", "out-of-range", 2, 9),
    "limit beyond 64 bits": ("[limits]\ncalls = 99999999999999999999", "out-of-range", 2, 9),
    "share that is no number": ("[limits]\nshare = nan", "wrong-type", 2, 9),
    "endless share": ("[limits]\nshare = inf", "wrong-type", 2, 9),
    "huge share": ("[limits]\nshare = 1e999999", "wrong-type", 2, 9),
    "share of nothing": ("[limits]\nshare = -0.0", "out-of-range", 2, 9),
    "instant without offset": (f"{C}reset_at = 2026-01-01T00:00:00", "no-offset", 4, 12),
    "text instant without offset": (f'{C}reset_at = "2026-01-01T00:00:00"', "no-offset", 4, 12),
    "date for an instant": (f"{C}reset_at = 2026-01-01", "wrong-type", 4, 12),
    "not an instant": (f'{C}reset_at = "soon"', "bad-instant", 4, 12),
    "after nothing declared": (f'{C}after = "models.b.refresh"', "after-not-declared", 4, 9),
    "after no address": (f'{C}after = "b"', "after-not-declared", 4, 9),
    "after itself": (f'{C}after = "models.a.cache.p"', "after-cycle", 4, 9),
    "pause without reason": (f'{R}every = "1h"\npause = {{}}', "missing-key", 5, 1),
    "pause until when": (
        f'{R}every = "1h"\npause = {{until = "x", reason = ""}}',
        "bad-instant",
        5,
        18,
    ),
    "freeze without end": (
        '[[freeze]]\nname = "x"\nfrom = 2026-01-01T00:00:00Z',
        "bad-freeze",
        1,
        1,
    ),
    "freeze of both kinds": (
        '[[freeze]]\nname = "x"\nallow = "01:00-02:00"\nfrom = 2026-01-01T00:00:00Z',
        "bad-freeze",
        4,
        1,
    ),
    "freeze that ends first": (
        '[[freeze]]\nname = "x"\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z',
        "bad-freeze",
        4,
        9,
    ),
    "second freeze": (
        '[[freeze]]\nname = "x"\nallow = "01:00-02:00"\n[[freeze]]\nname = "y"\nallow = ["1-2"]',
        "bad-window",
        6,
        10,
    ),
    "freeze without a name": ('[[freeze]]\nallow = "01:00-02:00"', "missing-key", 1, 1),
    "state without url": ("[state]", "missing-key", 1, 1),
    "state in no place": ('[state]\nurl = ""', "bad-name", 2, 7),
    "plain http": ('[omni]\nbase_url = "http://a.example"', "bad-base-url", 2, 12),
    "unknown api": ('[omni]\napi = "v2"', "not-one-of", 2, 7),
    "empty name": (f'[models.""]\nid = "{ID}"\nrefresh.every = "1h"', "bad-name", 1, 1),
    "bidi in a name": (
        f'[models."a\\u202Eb"]\nid = "{ID}"\nrefresh.every = "1h"',
        "bad-name",
        1,
        1,
    ),
    "zero width in a policy": (f'{M}cache."p\\u200B".every = "1h"', "bad-name", 3, 1),
    "control in a connection": (
        f'{M}connection = "a\\tb"\nrefresh.every = "1h"',
        "bad-name",
        3,
        14,
    ),
    "no key": ("= 1", "invalid-toml", 1, 1),
    "raw nul": ('a = "\0"', "invalid-toml", 1, 6),
    "too many digits": (f"[limits]\ncalls = {'9' * 4400}", "invalid-toml", 2, 9),
    "same key twice": (f'{R}every = "1h"\nevery = "2h"', "declared-twice", 5, 1),
    "same table twice": (f"{M}[models.a]", "declared-twice", 3, 1),
    "conflict": (f"<<<<<<< HEAD\n{M}=======\n>>>>>>> x", "conflict-markers", 1, 1),
    "hidden class": ("[__class__]", "unknown-key", 1, 1),
    "prototype": (f"{M}__proto__ = 1\nrefresh.every = '1h'", "unknown-key", 3, 1),
    "empty key": ('"" = 1', "unknown-key", 1, 1),
    "include": ('include = ["../other.toml"]', "unknown-key", 1, 1),
    "long key": (".".join(["a"] * 33) + " = 1", "key-too-long", 1, 1),
    "long header": ("[" + " . ".join(["a"] * 33) + "]", "key-too-long", 1, 2),
    "deep arrays": ("a = " + "[" * 65 + "]" * 65, "nested-too-deeply", 1, 69),
    "deep tables": ("a = " + "{b = " * 65 + "1" + "}" * 65, "nested-too-deeply", 1, 325),
}


@pytest.mark.fault(
    "C03", "C05", "C06", "C08", "C09", "C10", "C11", "C13", "C17", "C18", "C19", "C22", "C23", "C26"
)
@pytest.mark.parametrize(("text", "code", "line", "column"), CORPUS.values(), ids=CORPUS)
def test_a_mistake_is_named_and_placed(text: str, code: str, line: int, column: int) -> None:
    first = next(d for d in refused(text) if d.severity == "error")
    place = first.places[0]
    assert (first.code, place.line, place.column) == (code, line, column)
    assert place.text == text.split("\n")[line - 1][:400].replace("\r", "")
    assert 1 <= place.width <= max(1, len(place.text) - column + 1)
