"""The grammar of cron expressions, and what is refused."""

import pytest

from reconcile.planning.time.cron import CronError, LastDay, LastWeekday, NthWeekday, parse_cron

MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6


@pytest.mark.parametrize(
    ("field", "minutes"),
    [
        ("7", (7,)),
        ("50/5", (50, 55)),
        ("10-20/5", (10, 15, 20)),
        ("*/20", (0, 20, 40)),
        ("3,1,1-2", (1, 2, 3)),
        ("00,05", (0, 5)),
    ],
)
def test_lists_ranges_and_steps_name_minutes(field: str, minutes: tuple[int, ...]) -> None:
    assert parse_cron(f"{field} 0 * * *").minutes == minutes


@pytest.mark.parametrize(
    ("field", "weekdays"),
    [
        ("0", {SUNDAY}),
        ("7", {SUNDAY}),
        ("Sun", {SUNDAY}),
        ("6-7", {SATURDAY, SUNDAY}),
        ("fri-SUN", {FRIDAY, SATURDAY, SUNDAY}),
        ("1", {MONDAY}),
        ("0-7", set(range(7))),
        ("7/2", {SUNDAY, 1, 3, SATURDAY}),
        ("5L", {LastWeekday(FRIDAY)}),
        ("friL", {LastWeekday(FRIDAY)}),
        ("MON#2,7#1", {NthWeekday(MONDAY, 2), NthWeekday(SUNDAY, 1)}),
    ],
)
def test_weekdays_count_from_sunday_as_0_or_7(field: str, weekdays: set[object]) -> None:
    assert parse_cron(f"0 0 * * {field}").day_rule.weekdays == weekdays


def test_months_have_names_in_any_case() -> None:
    assert parse_cron("0 0 1 jan-MAR,Oct *").day_rule.months == {1, 2, 3, 10}


def test_the_last_day_follows_the_length_of_the_month() -> None:
    rule = parse_cron("0 0 L,1 * *").day_rule
    assert rule.days == {1, LastDay()}
    assert rule.days_in(2, 29, MONDAY) == (1, 29)


def test_the_seventh_is_still_in_the_first_week() -> None:
    tuesday = 1
    rule = parse_cron("0 0 * * MON#1,TUE#5,MON#4").day_rule
    assert rule.days_in(3, 31, tuesday) == (7, 28, 29)


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 13 * FRI", (3, 10, 13, 17, 24, 31)),
        ("0 0 */10 * FRI", (31,)),
        ("0 0 1-15 * *", tuple(range(1, 16))),
        ("0 0 13 * */5", ()),
        ("0 0 * * FRIL,MON#1", (6, 31)),
        ("0 0 L * FRI#2", (10, 31)),
    ],
)
def test_two_restricted_day_fields_match_either_way(expression: str, days: tuple[int, ...]) -> None:
    wednesday = 2
    assert parse_cron(expression).day_rule.days_in(7, 31, wednesday) == days


@pytest.mark.parametrize(
    ("nickname", "expression"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@MIDNIGHT", "0 0 * * *"),
        ("@weekly", "0 0 * * SUN"),
        ("@monthly", "0 0 1 * *"),
        (" @yearly ", "0 0 1 1 *"),
        ("@annually", "0 0 1 JAN *"),
    ],
)
def test_nicknames_stand_for_expressions(nickname: str, expression: str) -> None:
    assert parse_cron(nickname) == parse_cron(expression)


@pytest.mark.parametrize(
    ("expression", "fixed"),
    [
        ("30 2 * * *", True),
        ("0-59 0-23 * * *", True),
        ("5,*/15 2 * * *", True),
        ("* 2 * * *", False),
        ("30 */2 * * *", False),
        ("@hourly", False),
    ],
)
def test_a_star_in_front_of_minute_or_hour_is_not_fixed(expression: str, *, fixed: bool) -> None:
    assert parse_cron(expression).fixed is fixed


@pytest.mark.parametrize(
    ("expression", "position", "words"),
    [
        ("* * * *", 7, "expected five fields"),
        ("0  0 * * * *", 11, "found 6"),
        ("", 0, "found 0"),
        ("60 * * * *", 0, "60 is out of range: minute counts 0 to 59"),
        ("0 24 * * *", 2, "hour counts 0 to 23"),
        ("0 0 0 * *", 4, "day of month counts 1 to 31"),
        ("0 0 * 13 *", 6, "month counts 1 to 12"),
        ("0 0 * * 8", 8, "day of week counts 0 to 7"),
        ("0 0 * * MON,TUX", 12, "`TUX` is not a day of week: it takes 0 to 6 or SUN to SAT"),
        ("0 0 ? * *", 4, "write `*`"),
        ("1,,2 * * * *", 2, "an item is missing"),
        ("1- * * * *", 2, "a value is missing"),
        ("-1 * * * *", 0, "a value is missing"),
        ("1-2-3 * * * *", 3, "not a range"),
        ("9-3 * * * *", 0, "runs backwards"),
        ("1/2/3 * * * *", 3, "more than one step"),
        ("*/0 * * * *", 2, "whole number from 1"),
        ("*/x * * * *", 2, "whole number from 1"),
        ("*/90 * * * *", 2, "a step of 90 never gets past its first value"),
        ("*5 * * * *", 0, "`*5` is not a minute"),
        ("\u0663 * * * *", 0, "is not a minute"),
        ("99999999999999999999 * * * *", 0, "is not a minute"),
        ("0 0 L/2 * *", 4, "`L` is not a day of month"),
        ("0 0 15W * *", 4, "`15W` is not a day of month"),
        ("0 0 * * L", 8, "`FRIL` is the last Friday"),
        ("0 0 * * MON#6", 12, "1 to 5"),
        ("0 0 * * MON#1#2", 12, "1 to 5"),
        (" @reboot", 1, "nothing boots"),
        ("@often", 0, "@daily"),
    ],
)
def test_a_malformed_expression_is_refused_where_it_is_wrong(
    expression: str, position: int, words: str
) -> None:
    with pytest.raises(CronError) as refused:
        parse_cron(expression)
    assert words in refused.value.message
    assert refused.value.position == position


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 31 2 *", "no FEB has such a day"),
        ("0 0 30 FEB *", "no FEB"),
        ("0 0 31 4,6,9,11 *", "no APR or JUN or SEP or NOV has"),
        ("0 0 */30 * MON#2", "no month has"),
    ],
)
def test_an_expression_that_never_matches_is_refused(expression: str, words: str) -> None:
    with pytest.raises(CronError, match="never matches") as refused:
        parse_cron(expression)
    assert words in refused.value.message


@pytest.mark.parametrize("expression", ["0 0 29 2 *", "0 0 31 2 MON", "0 0 */28 2 MON#5"])
def test_an_expression_that_matches_once_in_many_years_is_accepted(expression: str) -> None:
    assert parse_cron(expression)


def test_a_parsed_expression_is_remembered() -> None:
    assert parse_cron("1 2 3 4 5") is parse_cron("1 2 3 4 5")
    assert hash(parse_cron("1 2 3 4 5"))
