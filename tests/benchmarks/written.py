"""Files to measure with: a desired state of any size and its state, and zones for octoDNS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from reconcile.config.load import load
from reconcile.model.recorded import Record, Recorded
from reconcile.planning.record import declaration
from reconcile.state.codec import encode_state

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
LATER = NOW + timedelta(days=2)
ITEMS_A_MODEL = 3
_HEAD = """\
[omni]
requests_per_minute = 10000
[state]
url = "state.json"
[defaults]
timezone = "America/New_York"
"""
_MODEL_HEAD = """\
[models.m{number}]
id = "00000000-0000-4000-8000-{number:012d}"
"""
_SPARSE = """\
connection = "c{connection}"
[models.m{number}.refresh]
every = "{hours}h"
mode = "soft"
tables = ["analytics.orders", "analytics.t{table}"]
timeout = "20m"
[models.m{number}.cache.daily]
at = "0{hour}:{ten}0"
days = "mon-fri"
after = "models.m{number}.refresh"
[models.m{number}.cache.weekly]
cron = "{minute} {hour} * * mon"
"""
_DENSE = """\
connection = "c{connection}"
[models.m{number}.refresh]
cron = "{minute} */{hours} * * *"
mode = "soft"
[models.m{number}.cache.daily]
at = "0{hour}:{ten}0"
days = "mon-fri"
after = "models.m{number}.refresh"
[models.m{number}.cache.often]
cron = "{often} * * * *"
"""
_CHANGED = 17
_OFTEN = ("*/5", "*/15", "*/30", "0")
_RESETS = """\
[omni]
requests_per_minute = {limit}
[state]
url = "state.json"
"""
_RESET = """\
[models.m{number}.cache.daily]
at = "06:00"
"""
_ZONES = """\
providers:
  config: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/desired}}
  target: {{class: octodns.provider.yaml.YamlProvider, directory: {folder}/recorded}}
zones:
  example.com.: {{sources: [config], targets: [target]}}
"""


def write(directory: Path, size: int, *, dense: bool = False) -> Path:
    """Write a desired state of so many models and a state in which all is settled at `NOW`.

    Each has three items that run now and then, or, `dense`, up to every five minutes.
    """
    directory.mkdir()
    file = directory / "reconcile.toml"
    shape = _DENSE if dense else _SPARSE
    file.write_text(_HEAD + "".join(_model(shape, number) for number in range(size)))
    items = {
        item.address: Record(
            declared=declaration(item),
            since=NOW - timedelta(days=30),
            covered_slot=NOW,
            last_success=NOW,
            stamp=None if item.address.endswith(".refresh") else NOW,
            completed_at=NOW,
            durations_s=(30.0, 31.0),
        )
        for item in load(file).desired.items
    }
    recorded = Recorded(lineage="benchmark", serial=1, items=MappingProxyType(items))
    (directory / "state.json").write_bytes(encode_state(recorded))
    return file


def write_resets(directory: Path, size: int, *, first: int, limit: int) -> Path:
    """Write a desired state of so many resets, none of which was ever sent. `first`: their ids."""
    directory.mkdir()
    file = directory / "reconcile.toml"
    model = _MODEL_HEAD + _RESET
    models = (model.format(number=number) for number in range(first, first + size))
    file.write_text(_RESETS.format(limit=limit) + "".join(models))
    return file


def write_seconds(directory: Path) -> Path:
    """Write a desired state of one item that is due every second."""
    directory.mkdir()
    file = directory / "reconcile.toml"
    refresh = 'refresh = { every = "1s" }'
    file.write_text(_RESETS.format(limit=60) + _MODEL_HEAD.format(number=0) + refresh)
    return file


def write_changed(file: Path) -> Path:
    """Write the same file once more, with another time in seventeen of its models."""
    text = file.read_text()
    changed = file.with_name("changed.toml")
    changed.write_text(text.replace('0"\ndays', '5"\ndays', _CHANGED))
    return changed


def write_mistaken(file: Path) -> Path:
    """Write the same file once more, with a wrong value in its last model."""
    text, _, last = file.read_text().rpartition('cron = "')
    mistaken = file.with_name("mistaken.toml")
    mistaken.write_text(f'{text}cron = "61{last[last.index(" ") :]}')
    return mistaken


def write_edited(file: Path) -> Path:
    """Write the same file once more, with an edit that changes the declaration of every item."""
    edited = file.with_name("edited.toml")
    edited.write_text(file.read_text().replace("[defaults]\n", "[defaults]\nhold_after = 7\n", 1))
    return edited


def write_zones(folder: Path, size: int) -> Path:
    """Write octoDNS's configuration: so many records declared, and one in a hundred out of date.

    Each has twelve values, to be of the size of a model.
    """
    for side in ("desired", "recorded"):
        (folder / side).mkdir(parents=True)
        lines = _records(size, stale=side == "recorded")
        (folder / side / "example.com.yaml").write_text("---\n" + "".join(lines))
    config = folder / "config.yaml"
    config.write_text(_ZONES.format(folder=folder))
    return config


def _model(shape: str, number: int) -> str:
    return (_MODEL_HEAD + shape).format(
        number=number,
        connection=number % 50,
        hours=(4, 6, 8, 12)[number % 4],
        table=number % 7,
        hour=number % 10,
        ten=number % 6,
        minute=number % 60,
        often=_OFTEN[number % 4],
    )


def _records(size: int, *, stale: bool) -> Iterator[str]:
    for number in range(size):
        ttl = 300 if stale and number % 100 == 0 else 600
        yield f"r{number:06d}:\n  ttl: {ttl}\n  type: MX\n  values:\n"
        for preference in range(5):
            yield f"  - exchange: mail{preference}.r{number:06d}.example.net.\n"
            yield f"    preference: {10 * preference}\n"
