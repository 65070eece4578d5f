"""Slots and freeze windows by brute force: slow, and meant to be obviously right.

It walks UTC minutes one by one, asks `zoneinfo` what the wall clock shows at each, and compares
that with the text of the schedule. It shares no code with the engine; it reads cron by itself.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from reconcile.model.desired import At, Cron, OpenHours

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()  # noqa: SIM905 - readable
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()  # noqa: SIM905 - readable


class Walk:
    """Every UTC minute from start to end, and what the wall clock of a zone shows at it."""

    def __init__(self, zone: str, start: datetime, end: datetime) -> None:
        self.shown: list[tuple[datetime, datetime]] = []
        self.first: dict[datetime, datetime] = {}
        info = ZoneInfo(zone)
        minute = start
        while minute <= end:
            wall = minute.astimezone(info).replace(tzinfo=None, fold=0)
            self.shown.append((minute, wall))
            self.first.setdefault(wall, minute)
            minute += MINUTE
        self.walls = sorted(self.first)

    def first_instant(self, wall: datetime) -> datetime:
        """When that time is first shown or, if it never is, when the next one that is, is."""
        if wall in self.first:
            return self.first[wall]
        return self.first[self.walls[bisect_right(self.walls, wall)]]

    def end_instant(self, wall: datetime) -> datetime:
        """When a stretch up to that time is over: as many minutes later as were skipped before."""
        end, minute = self.first_instant(wall), wall - MINUTE
        while minute not in self.first:
            end, minute = end + MINUTE, minute - MINUTE
        return end

    def dates(self) -> list[date]:
        """Every date of the calendar from the first shown to the last, shown or not."""
        first, last = self.walls[0].date(), self.walls[-1].date()
        return [first + number * DAY for number in range((last - first).days + 1)]


@lru_cache(maxsize=64)
def walk(zone: str, start: datetime, end: datetime) -> Walk:
    return Walk(zone, start, end)


def slots(
    cadence: Cron | At, zone: str, after: datetime, upto: datetime, margin: timedelta = DAY
) -> list[datetime]:
    """List the slots with `after` < slot <= `upto`, both whole minutes."""
    steps = walk(zone, after - margin, upto + margin)
    if isinstance(cadence, At) or is_fixed(cadence.expression):
        walls = (
            datetime.combine(day, at)
            for day in steps.dates()
            if names_day(cadence, day)
            for at in times_of_day(cadence)
        )
        known = (wall for wall in walls if steps.walls[0] <= wall <= steps.walls[-1])
        found = {steps.first_instant(wall) for wall in known}
    else:
        times = set(times_of_day(cadence))
        named = {day for day in steps.dates() if names_day(cadence, day)}
        found = {
            minute for minute, wall in steps.shown if wall.time() in times and wall.date() in named
        }
    return sorted(slot for slot in found if after < slot <= upto)


def is_fixed(expression: str) -> bool:
    minute, hour, *_ = expression.split()
    return not minute.startswith("*") and not hour.startswith("*")


def times_of_day(cadence: Cron | At) -> list[time]:
    if isinstance(cadence, At):
        return list(cadence.times)
    minute_field, hour_field, *_ = cadence.expression.split()
    return [
        time(hour, minute)
        for hour in range(24)
        if listed(hour_field, hour, 0, 23)
        for minute in range(60)
        if listed(minute_field, minute, 0, 59)
    ]


def names_day(cadence: Cron | At, day: date) -> bool:
    if isinstance(cadence, At):
        return day.weekday() in cadence.days
    _, _, day_field, month_field, weekday_field = cadence.expression.split()
    if not listed(month_field, day.month, 1, 12):
        return False
    by_number = any(
        (day + DAY).day == 1 if item == "L" else listed(item, day.day, 1, 31)
        for item in day_field.split(",")
    )
    by_weekday = any(is_weekday(item, day) for item in weekday_field.split(","))
    if day_field.startswith("*") or weekday_field.startswith("*"):
        return by_number and by_weekday
    return by_number or by_weekday


def is_weekday(item: str, day: date) -> bool:
    """Whether a day is what one item of the day-of-week field names; 0 and 7 are Sunday."""
    weekday = day.isoweekday() % 7
    if item.upper().endswith("L"):
        return number(item[:-1]) % 7 == weekday and (day + 7 * DAY).month != day.month
    if "#" in item:
        name, nth = item.split("#")
        earlier = [day - weeks * 7 * DAY for weeks in range(6)]
        same_month = [other for other in earlier if other.month == day.month]
        return number(name) % 7 == weekday and len(same_month) == int(nth)
    item = item.upper().replace("-SUN", "-7")
    if "-" in item:
        return listed(item, weekday, 0, 7) or (weekday == 0 and listed(item, 7, 0, 7))
    return listed(item.replace("7", "0", 1) if item[0] == "7" else item, weekday, 0, 6)


def listed(field: str, value: int, low: int, high: int) -> bool:
    """Whether a value is among what a comma-separated field names."""
    for item in field.split(","):
        values, _, step = item.partition("/")
        first, _, last = values.partition("-")
        start = low if first == "*" else number(first)
        end = high if first == "*" or step else start
        if last:
            end = number(last)
        if value in range(start, end + 1) and (value - start) % int(step or 1) == 0:
            return True
    return False


def number(text: str) -> int:
    upper = text.upper()
    if upper in MONTHS:
        return MONTHS.index(upper) + 1
    return WEEKDAYS.index(upper) if upper in WEEKDAYS else int(text)


def is_open(hours: OpenHours, at: datetime) -> bool:
    """Whether an instant lies in one of the windows, by when their edges are shown."""
    midnight = datetime.combine(at.date(), time(), UTC)
    steps = walk(hours.zone, midnight - 4 * DAY, midnight + 4 * DAY)
    for day in steps.dates()[1:-2]:
        for opens, closes in hours.allow:
            last_day = day if closes > opens else day + DAY
            start = steps.first_instant(datetime.combine(day, opens))
            end = steps.end_instant(datetime.combine(last_day, closes))
            if day.weekday() in hours.days and start <= at < end:
                return True
    return False


def signal_slots(
    told: list[tuple[str, datetime]],
    names: tuple[str, ...],
    spent: dict[str, datetime],
    upto: datetime,
    *,
    every: bool,
) -> list[datetime]:
    """List the slots that signals make up to `upto`, all of whole minutes, by going through them.

    `spent`: up to when each name's signals were used up, where every one of them has to come.
    """
    found: list[datetime] = []
    have: set[str] = set()
    minute = min((at for _, at in told), default=upto)
    while minute <= upto:
        came = {name for name, at in told if name in names and at == minute}
        if every:
            came = {name for name in came if name not in spent or minute > spent[name]}
        have |= came
        if came and (have == set(names) or not every):
            found.append(minute)
        minute += MINUTE
    return found
