"""A rename moves the record by what the item is, and calls nothing (G9)."""

from datetime import timedelta

from hypothesis import given

from reconcile.model.address import Address, refresh_address, reset_address
from reconcile.model.desired import Desired, Freeze, FrozenSpan, Item, RefreshItem
from reconcile.model.journal import Numbered, Renamed
from reconcile.model.plan import Forget, Plan, Refresh, Rename, Request, ResetCache
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.compare import compare
from reconcile.planning.plan import follow, plan, under_new_names
from reconcile.planning.replay import replay
from tests.planning.making import NOON, carried_out, desired, recorded, refresh, reset
from tests.planning.worlds import worlds

A, B = refresh_address("a"), refresh_address("b")


def called(files: Desired, moves: dict[str, str]) -> Desired:
    """Declare the same under other names of models."""
    pairs = [(item.address, address_in(item, moves)) for item in files.items]
    return replace(files, items=under_new_names(files.items, tuple(pairs)))


def address_in(item: Item, moves: dict[str, str]) -> Address:
    name = moves.get(item.model, item.model)
    if isinstance(item, RefreshItem):
        return refresh_address(name)
    return reset_address(name, item.policy)


def requests(planned: Plan) -> list[Request]:
    calls = (a for a in planned.actions if isinstance(a, Refresh | ResetCache))
    return sorted((action.request for action in calls), key=repr)


def after_an_apply(files: Desired) -> Recorded:
    nothing = recorded()
    return carried_out(plan(files, nothing, NOON), nothing)


FILES = desired(refresh("a"), reset("a", after=A), refresh("b"))


def test_a_renamed_model_is_a_rename_and_nothing_is_called() -> None:  # G9
    renamed = called(FILES, {"a": "c"})
    (action,) = plan(renamed, after_an_apply(FILES), NOON).actions
    assert action == Rename(
        ((reset_address("a", "daily"), reset_address("c", "daily")), (A, refresh_address("c")))
    )


def test_two_models_may_swap_their_names() -> None:
    swapped = called(FILES, {"a": "b", "b": "a"})
    actions = plan(swapped, after_an_apply(FILES), NOON).actions
    assert [type(action) for action in actions] == [Rename]


def test_what_was_renamed_once_is_not_renamed_again() -> None:
    renamed, state = called(FILES, {"a": "b", "b": "a"}), after_an_apply(FILES)
    after = carried_out(plan(renamed, state, NOON), state)
    assert plan(renamed, after, NOON).actions == ()
    assert {a: r.last_success for a, r in after.items.items()}.keys() == {
        item.address for item in renamed.items
    }


def test_a_new_id_under_an_old_name_is_another_item_and_no_rename() -> None:
    other = desired(replace(refresh("a"), model_id="00000000-0000-4000-8000-00000000ffff"))
    kinds = {type(action) for action in plan(other, after_an_apply(FILES), NOON).actions}
    assert Rename not in kinds


def test_an_identity_with_two_new_addresses_is_no_rename() -> None:
    twice = desired(
        replace(refresh("c"), model_id=refresh("a").model_id),
        replace(refresh("d"), model_id=refresh("a").model_id),
        refresh("b"),
    )
    actions = plan(twice, after_an_apply(FILES), NOON).actions
    assert not [action for action in actions if isinstance(action, Rename)]
    assert Forget(address=A) in actions


def test_what_follows_a_renamed_refresh_is_declared_as_before() -> None:
    renamed = called(FILES, {"a": "c"})
    assert plan(renamed, after_an_apply(FILES), NOON).noted == {}


@given(worlds())
def test_renaming_every_model_changes_no_call(world: tuple[Desired, Recorded]) -> None:
    files, state = replace(world[0], freezes=()), world[1]  # A freeze matches names.
    names = sorted({item.model for item in files.items})
    moves = dict(zip(names, [*names[1:], *names[:1]], strict=True))
    renamed = called(files, moves)
    assert requests(plan(renamed, state, NOON)) == requests(plan(files, state, NOON))


@given(worlds())
def test_the_journal_renames_as_the_plan_foresaw(world: tuple[Desired, Recorded]) -> None:
    files, state = world
    names = sorted({item.model for item in files.items})
    renamed = called(files, dict(zip(names, [*names[1:], *names[:1]], strict=True)))
    moves, foreseen = follow(renamed.items, state)
    entry = Numbered(state.sequence + 1, Renamed(NOON, moves))
    assert dict(replay(state, [entry]).items) == dict(foreseen.items)


def test_a_review_says_renamed_and_finds_the_same_calls() -> None:  # G9
    renamed = called(FILES, {"a": "c"})
    found = compare(FILES, renamed, after_an_apply(FILES), NOON, timedelta(days=3))
    assert [(c.address, c.kind, c.was) for c in found.items] == [
        (reset_address("c", "daily"), "renamed", reset_address("a", "daily")),
        (refresh_address("c"), "renamed", A),
    ]
    assert found.figures.before == found.figures.after


def frozen(files: Desired, match: str) -> Desired:
    close = Freeze("close", (match,), FrozenSpan(NOON, NOON + timedelta(days=2)))
    return replace(files, freezes=(close,))


def test_a_review_finds_the_calls_of_what_a_new_name_takes_out_of_a_freeze() -> None:
    before, renamed = frozen(FILES, "models.a.*"), frozen(called(FILES, {"a": "c"}), "models.a.*")
    found = compare(before, renamed, after_an_apply(FILES), NOON, timedelta(days=3))
    assert (sum(found.figures.before.calls), sum(found.figures.after.calls)) == (17, 25)
    (hits,) = found.freezes
    assert hits.lost == (reset_address("c", "daily"), refresh_address("c"))


def test_a_freeze_renamed_with_its_model_holds_back_nothing_else() -> None:
    before, renamed = frozen(FILES, "models.a.*"), frozen(called(FILES, {"a": "c"}), "models.c.*")
    found = compare(before, renamed, after_an_apply(FILES), NOON, timedelta(days=3))
    assert {change.kind for change in found.items} == {"renamed"}
    assert (found.freezes, found.figures.is_change) == ((), False)


@given(worlds())
def test_a_review_counts_each_version_by_its_own_names(world: tuple[Desired, Recorded]) -> None:
    files, state = world
    names = sorted({item.model for item in files.items})
    renamed = called(files, dict(zip(names, [*names[1:], *names[:1]], strict=True)))
    for one, other in ((files, renamed), (renamed, files)):
        found = compare(one, other, state, NOON, timedelta(days=3)).figures
        assert found.before == compare(one, one, state, NOON, timedelta(days=3)).figures.before
        assert found.after == compare(other, other, state, NOON, timedelta(days=3)).figures.after
