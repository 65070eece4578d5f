"""All bad inputs, made anew each time: 500 files would be no better, and nobody would read them."""

from functools import cache

from tests.bad.calls import replies, tokens, urls
from tests.bad.case import Case, Kind
from tests.bad.configs import configs
from tests.bad.states import journals, locks, plans, states


@cache
def corpus() -> dict[Kind, tuple[Case, ...]]:
    """Return every bad input by its kind."""
    return {
        "config": tuple(configs()),
        "state": tuple(states()),
        "journal": tuple(journals()),
        "plan": tuple(plans()),
        "lock": tuple(locks()),
        "reply": tuple(replies()),
        "token": tuple(tokens()),
        "url": tuple(urls()),
    }
