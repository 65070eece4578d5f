"""From the tables of signals to webhooks: presets of known senders, and what a file says itself."""

import re
from collections.abc import Mapping

from msgspec import Struct

from reconcile.config.merge import Gathered, Said
from reconcile.config.tables import SignalTable
from reconcile.config.timings import TableReader
from reconcile.config.values import check_signal
from reconcile.errors import LeafError, Problems, Severity
from reconcile.model.desired import Desired, Webhook
from reconcile.planning.signals import awaited


class _Preset(Struct, frozen=True):
    """What a sender's documentation says of its webhook."""

    header: str | None
    success: Mapping[str, str]
    at: str | None


_PRESETS: Mapping[str, _Preset] = {
    "dbt": _Preset("Authorization", {"data.runStatus": "Success"}, "data.runFinishedAt"),
    "fivetran": _Preset("X-Fivetran-Signature-256", {"data.status": "SUCCESSFUL"}, "created"),
    "github": _Preset(
        "X-Hub-Signature-256", {"workflow_run.conclusion": "success"}, "workflow_run.updated_at"
    ),
    "bearer": _Preset(None, {}, None),
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")


def read_webhook(reader: TableReader, name: str, said: Said[SignalTable]) -> Webhook:
    """Return the webhook of one signal, keeping what cannot be understood of it."""
    table, preset = said.table, _PRESETS[said.table.webhook]
    reader.read(check_signal, name, said.where.key())
    reader.read(_check_variable, table.secret_env, said.value("secret_env"))
    reader.read(_check_header, table.header, said.value("header"))
    header = table.header or preset.header
    secrets = [where for where in (table.secret_env, table.secret_file) if where is not None]
    if said.whole and len(secrets) != (0 if header is None else 1):
        detail = (
            "Exactly one of `secret_env` and `secret_file` says where the secret is that signs it."
            if header is not None
            else "A secret signs nothing here: `bearer` goes by the token of --signal-token-file."
        )
        reader.problems.add("bad-webhook", said.where.table(), detail)
    success = preset.success if table.success is None else table.success
    folder = reader.sources[said.where.source].directory
    return Webhook(
        name=name,
        header=header,
        secret_env=table.secret_env,
        secret_file=None if table.secret_file is None else str(folder / table.secret_file),
        wanted=tuple(sorted({**success, **(table.match or {})}.items())),
        at=table.at or (preset.at if table.success is None else None),
    )


def check_awaited(desired: Desired, gathered: Gathered, problems: Problems) -> None:
    """Warn of a webhook whose signal no item awaits: most likely one of the two is misspelt."""
    known = awaited(desired)
    for name, said in gathered.signals.items():
        if name not in known:
            problems.add(
                "signal-awaited-by-none",
                said.where.table(),
                f'No item has on_signal = "{name}", so nothing falls due when it comes.',
                severity=Severity.WARNING,
            )


def _check_variable(name: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise LeafError("bad-webhook", f'"{name[:60]}" is not the name of an environment variable.')


def _check_header(name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise LeafError("bad-webhook", f'"{name[:60]}" is not the name of a header.')
