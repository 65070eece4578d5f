"""What people write who know YAML, cron or Terraform better: what they are told, to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import MESSAGES, ReconcileError
from reconcile.render.diagnostics import diagnostic_text
from tests.config.given import ID, loaded, refused
from tests.config.test_bad_input import CORPUS
from tests.conftest import Snapshot

M = f'[models.sales]\nid = "{ID}"\n'
R = f"{M}[models.sales.refresh]\n"
C = f"{M}[models.sales.cache.daily]\n"
W = f'[connections.w]\nid = "{ID}"\n'

MISTAKES = {
    "a policy with spaces": f'{M}[models.sales.cache.daily cache policy]\nat = "06:00"\n',
    "a header with one bracket": "[models.sales\n",
    "a header of an array with one bracket": '[[freeze]\nname = "x"\n',
    "a header that ends with a dot": "[models.sales.]\n",
    "a header with two dots together": "[models..sales]\n",
    "a header of an array that begins with a dot": "[[.freeze]]\n",
    "a header with blanks around its dots": "[models . my sales]\n",
    "a key that ends with a dot": f"{M}refresh. = 1\n",
    "YAML": 'models:\n  sales:\n    every: "6h"\n',
    "a colon": f'{R}every: "6h"\n',
    "a colon and no quotes": f"{R}every: 6h\n",
    "curly quotes": f"{R}every = \u201c6h\u201d\n",
    "text that is not closed": f'{R}every = "6h\n',
    "text that is not opened": f'{R}every = 6h"\n',
    "a duration without quotes": f"{R}every = 6h\n",
    "a time without quotes": f"{R}at = 6:00\n",
    "a word without quotes": f"{R}mode = soft\n",
    "a word in capitals": f'{R}every = "6h"\nhold_after = True\n',
    "two assignments on a line": f'{R}every = "6h", mode = "soft"\n',
    "a leap second": f"{C}reset_at = 2016-12-31T23:59:60Z\n",
    "a list that is not closed": f'{R}at = ["06:00"\n',
    "a comment as in C": f"{R}// every six hours\n",
    "a key and no value": f"{R}every =\n",
    "a time in the policies": f'{M}[models.sales.cache]\nat = "06:00"\n',
    "an array of models": f'[[models]]\nid = "{ID}"\n',
    "an array of one model": f'[[models.sales]]\nid = "{ID}"\n',
    "one freeze as a table": '[freeze]\nname = "x"\n',
    "a duration for a refresh": f'{M}refresh = "6h"\n',
    "true for a refresh": f"{M}refresh = true\n",
    "a number for a duration": f"{R}every = 6\n",
    "text for a number": f'{R}every = "6h"\nhold_after = "5"\n',
    "text for true": f'{W}[connections.w.schedules.n]\nat = "02:00"\nhard = "yes"\n',
    "a time as TOML has it": f"{R}at = 06:00:00\n",
    "an hour of one digit": f'{R}at = "6:00"\n',
    "twelve hours": f'{R}at = "6:00 pm"\n',
    "a misspelt mode": f'{R}every = "6h"\nmode = "hrad"\n',
    "a mode in capitals": f'{R}every = "6h"\nmode = "Soft"\n',
    "a mode of no kind": f'{R}every = "6h"\nmode = "full"\n',
    "an offset for a zone": f'{R}every = "6h"\ntimezone = "UTC+2"\n',
    "an abbreviation for a zone": f'{R}every = "6h"\ntimezone = "EST5EDT6"\n',
    "a city for a zone": f'{R}every = "6h"\ntimezone = "Berlin"\n',
    "a host without a scheme": f'[omni]\nbase_url = "myorg.omniapp.co"\n{R}every = "6h"\n',
    "a variable": f'[omni]\nbase_url = "${{OMNI_BASE_URL}}"\n{R}every = "6h"\n',
    "a page of Omni": f'[omni]\nbase_url = "https://a.omniapp.co/models"\n{R}every = "6h"\n',
    "a dot in a name": f'[models.analytics.sales]\nid = "{ID}"\n',
    "model for models": f'[model.sales]\nid = "{ID}"\n',
    "a policy for cache": f'{M}[models.sales.policy.daily]\nat = "06:00"\n',
    "days in capitals": f'{R}at = "06:00"\ndays = "Mon-Fri"\n',
    "days in full": f'{R}at = "06:00"\ndays = "monday"\n',
    "hours in words": f'{R}every = "6 hours"\n',
    "minutes in words": f'{R}every = "90 Minutes"\n',
    "hours and a half": f'{R}every = "1.5h"\n',
    "a name for an id": '[models.sales]\nid = "sales"\n[models.sales.refresh]\nevery = "6h"\n',
    "six fields of cron": f'{R}cron = "0 0 2 * * ?"\n',
    "a reset after a name": f'{C}after = "sales.refresh"\n',
    "days beside every": f'{R}every = "6h"\ndays = "mon"\n',
    "a key twice": f'{R}every = "6h"\nevery = "7h"\n',
    "a table twice": f'{R}every = "6h"\n{M}',
    "a token": '[omni]\ntoken = "x"\n',
    "every of a reset and a time": f'{C}every = "6h"\nat = "06:00"\n',
    "an instant without a zone": f"{C}reset_at = 2026-12-01T07:00:00\n",
    "a misspelt key": f'{R}evry = "6h"\n',
    "a key in capitals": f'[models.sales]\nID = "{ID}"\n',
    "a key as other tools call it": f'{R}interval = "6h"\n',
    "an address as other tools call it": f'[omni]\nurl = "https://a.omniapp.co"\n{R}every = "6h"\n',
    "a table as other tools call it": f'{M}[models.sales.caches.daily]\nat = "06:00"\n',
    "JSON": '{"models": {}}\n',
    "text in single quotes that is not closed": f"{R}every = '6h\n",
    "text with an apostrophe": f"{R}every = 6 o'clock\n",
    "a header that is not opened": f'models.sales]\nid = "{ID}"\n',
    "a semicolon": f'{R}every = "6h";\n',
    "a colon and an equals sign": f'{R}every := "6h"\n',
    "times in one text": f'{R}at = "06:00, 18:00"\n',
    "true for a pause": f'{R}every = "6h"\npause = true\n',
    "text for a list": f'{R}every = "6h"\nmode = "soft"\nschemas = "analytics"\n',
    "text for the state": f'state = "state.json"\n{R}every = "6h"\n',
    "a key of another table": f'{R}every = "6h"\nrequests_per_minute = 6\n',
}
LONGEST = 1_000
"""What is told of longer ones, and of watched files, names more than the mistake."""


def told(text: str) -> str:
    try:
        diagnostics = loaded(text).warnings
    except ReconcileError as error:
        diagnostics = error.diagnostics
    return "\n".join(diagnostic_text(it, width=100, colour=False) for it in diagnostics)


def test_what_is_told_of_each_mistake(snapshot: Snapshot) -> None:
    small = {name: text for name, (text, *_) in CORPUS.items() if len(text) < LONGEST}
    every = {name: text for name, text in (small | MISTAKES).items() if "watched" not in name}
    assert len(every) >= 120
    snapshot("mistakes.txt", "".join(f"# {name}\n{told(text)}\n" for name, text in every.items()))


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_a_headline_names_the_culprit(text: str) -> None:
    first = refused(text)[0]
    assert len(first.summary) > len(MESSAGES[first.code].headline) or ":" in first.summary


@pytest.mark.parametrize("name", MISTAKES)
def test_what_a_hint_gives_to_be_copied_is_taken(name: str) -> None:
    """Put the hint in the place of the line, where it is one whole line of the file."""
    text = MISTAKES[name]
    first = refused(text)[0]
    hint = first.hint or ""
    if "=" not in hint.partition(" ")[2][:2] or first.places[0].line is None:
        return
    lines = text.split("\n")
    lines[first.places[0].line - 1] = hint
    after = told("\n".join(lines))
    assert f"error[{first.code}]" not in after, after


SIGNS = st.sampled_from(["[", "]", ".", " ", "a", "é", "a b", '"', "'", "=", ":", "#", ",", "1"])


@given(st.lists(SIGNS, max_size=9).map("".join))
def test_any_line_is_read_or_refused(line: str) -> None:
    assert told(line)
