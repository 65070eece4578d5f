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
from reconcile.model.address import Address, refresh_address, reset_address
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
        own = model.own
        model_id = self._check_model(name, model)
        refresh = refresh_address(name)
        if own and own.table.refresh and (parts := self._refresh(own, own.table.refresh)):
            self.items.append(_refresh_item(refresh, name, model_id, own.table.connection, parts))
        for policy, reset in model.policies.items():
            self.reader.check_key(check_name, policy, reset)
            if known := self._reset(reset, own):
                after = self._read_after(reset, refresh) or known.after
                self.items.append(
                    ResetItem(
                        address=reset_address(name, policy),
                        model=name,
                        model_id=model_id,
                        policy=policy,
                        timing=known.timing_behind(after),
                        after=after,
                    )
                )

    def _check_model(self, name: str, model: GatheredModel) -> str:
        problems = self.reader.problems
        self.reader.check_key(check_name, name, model.parts[0])
        own = model.own
        if own is None or own.table.id is None:
            if model.whole:
                where = own.where if own else model.first
                detail = f'No file gives the id of model "{name}", so there is nothing to call.'
                hint = 'Add id = "...", the model\'s UUID in Omni.'
                problems.add("model-without-id", where.table(), detail, hint)
            return ""
        if own.table.connection is not None:
            self.reader.check(check_name, own.table.connection, own, "connection")
        if own.table.timezone is not None:
            self.reader.read(check_zone, own.table.timezone, own, "timezone")
        return self.reader.read(check_uuid, own.table.id, own, "id") or ""

    def _refresh(self, model: Said[ModelTable], table: RefreshTable) -> RefreshParts | None:
        zone = model.table.timezone
        alike = (model.file.source, zone, *vars(table).values())
        parts = self._refresh_parts.get(alike)
        if parts is None:
            fallback = _with_zone(self.refreshes, model)
            parts = read_refresh(self.reader, fallback.resolve(model.below(table, "refresh")))
            if parts is not None:
                self._refresh_parts[alike] = parts
        return parts

    def _reset(self, said: Said[CacheTable], model: Said[ModelTable] | None) -> ResetParts | None:
        # `after`, the last key, differs from model to model where everything else is the same.
        *timed, after = vars(said.table).values()
        zone = model.table.timezone if model else None
        alike = (said.file.source, zone, after is None, *timed)
        parts = self._reset_parts.get(alike)
        if parts is None:
            parts = read_reset(self.reader, _with_zone(self.resets, model).resolve(said))
            if parts is not None:
                self._reset_parts[alike] = parts
        return parts

    def _read_after(self, said: Said[CacheTable], own_refresh: Address) -> Address | None:
        """Return the address a reset follows by its own words; most follow their own model."""
        after = said.table.after
        if after == own_refresh:
            return own_refresh
        return self.reader.read(parse_after, after, said, "after")


def _with_zone(fallback: Fallback, model: Said[ModelTable] | None) -> Fallback:
    """Put the model's own zone before that of any default."""
    if model is None or model.table.timezone is None:
        return fallback
    return fallback.over("timezone", model.table.timezone, model.where.value("timezone"))


def _refresh_item(
    address: Address, name: str, model_id: str, connection: str | None, parts: RefreshParts
) -> RefreshItem:
    return RefreshItem(
        address=address,
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
