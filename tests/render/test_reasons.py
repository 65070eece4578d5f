from typing import get_args

import pytest

from reconcile.model.address import Address, refresh_address
from reconcile.model.reason import HeldAfterFailures, PausedUntil, Reason
from reconcile.render.reasons import Account, reason_json, reason_kinds
from reconcile.render.words import Vantage
from tests.conftest import Snapshot
from tests.render.moments import NEW_YORK, NOW, SALES
from tests.render.reasons import EVERY_REASON, HELD

ACCOUNT = Account(SALES, Vantage(NEW_YORK, NOW))


def test_the_samples_hold_every_reason() -> None:
    assert {type(reason) for reason in EVERY_REASON} == set(get_args(Reason))


def test_every_reason_is_told_with_its_arithmetic(snapshot: Snapshot) -> None:
    lines = (f"{type(reason).__name__}: {ACCOUNT.tell(reason)}\n" for reason in EVERY_REASON)
    snapshot("reasons.txt", "".join(lines))


def test_every_reason_has_a_kind_for_programs() -> None:
    kinds = {str(reason_json(reason)["kind"]) for reason in EVERY_REASON}
    assert sorted(kinds) == reason_kinds()


def test_facts_for_programs_carry_units_and_utc() -> None:
    assert reason_json(EVERY_REASON[1]) == {
        "kind": "interval_elapsed",
        "interval_s": 21_600.0,
        "last_success": "2026-11-23T05:10:00Z",
        "slot": "2026-11-23T11:10:00Z",
        "missed": 0,
    }


@pytest.mark.fault("Z11")
def test_words_of_others_are_quoted_on_one_line() -> None:
    told = ACCOUNT.tell(PausedUntil(None, "x\nNo calls are due."))
    assert told == r'until the pause is removed: "x\nNo calls are due."'


@pytest.mark.fault("Z31")
@pytest.mark.parametrize(
    ("address", "word"),
    [
        (refresh_address("sales"), "models.sales.refresh"),
        (refresh_address("my sales"), "'models.\"my sales\".refresh'"),
        (refresh_address("$(reboot)"), "ADDRESS"),
    ],
)
def test_the_command_that_releases_can_be_copied(address: Address, word: str) -> None:
    told = Account(address, ACCOUNT.vantage).tell(HELD)
    assert told.endswith(f"; release with: reconcile state mark {word} --due")


def test_a_flood_of_words_is_cut() -> None:
    assert len(ACCOUNT.tell(HeldAfterFailures(5, NOW, "x" * 10_000))) < 300
