"""From the tables of models to items. Equal tables are understood once, whoever declares them."""

from dataclasses import dataclass, field

from reconcile.config.gathering import GatheredModel, Said
from reconcile.config.inheritance import Fallback
from reconcile.config.item_parts import RefreshParts, ResetParts, read_refresh, read_reset
from reconcile.config.names import check_name, check_uuid
from reconcile.config.reader import Reader
from reconcile.config.shape.items import CacheTable, ModelTable, RefreshTable
from reconcile.config.timings import parse_after
from reconcile.config.zones import check_zone
from reconcile.model.address import refresh_address, reset_address
from reconcile.model.desired import Item, RefreshItem, ResetItem


@dataclass(slots=True)
class ItemReader:
    """Makes the items of model after model."""

    reader: Reader
    refreshes: Fallback
    resets: Fallback
    items: list[Item] = field(default_factory=list)
    _refresh_parts: dict[object, RefreshParts] = field(default_factory=dict)
    _reset_parts: dict[object, ResetParts] = field(default_factory=dict)

    def add_model(self, name: str, model: GatheredModel) -> None:
        """Make every item of one model; keep what stands in the way of any of them."""
        own = model.own.table if model.own else None
        model_id = self._check_model(name, model)
        zone = own.timezone if own else None
        if model.own and own and own.refresh:
            where = model.own.where.value("refresh")
            said = Said(own.refresh, where, model.refresh_whole)
            if parts := self._refresh(said, model.own, zone):
                connection = own.connection
                self.items.append(_refresh_item(name, model_id, connection, parts))
        for policy, reset in model.policies.items():
            self.reader.check_key(check_name, policy, reset.where)
            if known := self._reset(reset, model.own, zone):
                self.items.append(
                    ResetItem(
                        address=reset_address(name, policy),
                        model=name,
                        model_id=model_id,
                        policy=policy,
                        timing=known.timing,
                        after=known.after,
                    )
                )

    def _check_model(self, name: str, model: GatheredModel) -> str:
        problems = self.reader.problems
        self.reader.check_key(check_name, name, model.first)
        own = model.own
        if own is None or own.table.id is None:
            if model.whole:
                where = own.where if own else model.first
                detail = f'No file gives the id of model "{name}", so there is nothing to call.'
                hint = 'Add id = "...", the model\'s UUID in Omni.'
                problems.add("model-without-id", where.table(), detail, hint)
            return ""
        if own.table.connection is not None:
            self.reader.check(check_name, own.table.connection, own.where, "connection")
        if own.table.timezone is not None:
            self.reader.read(check_zone, own.table.timezone, own.where, "timezone")
        return self.reader.read(check_uuid, own.table.id, own.where, "id") or ""

    def _refresh(
        self, said: Said[RefreshTable], model: Said[ModelTable], zone: str | None
    ) -> RefreshParts | None:
        alike = (said.where.source, zone, *vars(said.table).values())
        if known := self._refresh_parts.get(alike):
            return known
        resolved = _with_zone(self.refreshes, model, zone).resolve(said)
        parts = read_refresh(self.reader, resolved)
        if parts:
            self._refresh_parts[alike] = parts
        return parts

    def _reset(
        self, said: Said[CacheTable], model: Said[ModelTable] | None, zone: str | None
    ) -> ResetParts | None:
        # `after`, the last key, differs from model to model where everything else is the same.
        *timed, after = vars(said.table).values()
        alike = (said.where.source, zone, after is None, *timed)
        parts = self._reset_parts.get(alike)
        if parts is None:
            resolved = _with_zone(self.resets, model, zone).resolve(said)
            parts = read_reset(self.reader, resolved)
            if parts is None:
                return None
            self._reset_parts[alike] = parts
        if said.table.after is None:
            return parts
        refresh = self.reader.read(parse_after, said.table.after, said.where, "after")
        return parts.behind(refresh)


def _with_zone(fallback: Fallback, model: Said[ModelTable] | None, zone: str | None) -> Fallback:
    """Put the model's own zone before that of any default."""
    if model is None or zone is None:
        return fallback
    return fallback.over("timezone", zone, model.where.value("timezone"))


def _refresh_item(
    name: str, model_id: str, connection: str | None, parts: RefreshParts
) -> RefreshItem:
    return RefreshItem(
        address=refresh_address(name),
        model=name,
        model_id=model_id,
        timing=parts.timing,
        connection=connection,
        branch_id=parts.branch_id,
        mode=parts.mode,
        schemas=parts.schemas,
        tables=parts.tables,
        timeout=parts.timeout,
        coalesce_within=parts.coalesce_within,
    )
