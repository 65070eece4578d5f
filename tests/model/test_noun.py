from dataclasses import dataclass, field, fields, replace  # noqa: TID251

import pytest

from reconcile.model.noun import noun


@noun(frozen=True, slots=True)
class Slot:
    address: str
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    address: str
    missed: int = 0


@noun(frozen=True, slots=True)
class Nothing:
    pass


@noun(frozen=True, slots=True)
class Wide(Slot):
    width: int = 1


@noun(frozen=True, slots=False, kw_only=True)
class Crowd:
    name: str
    among: list[str] = field(default_factory=list)
    size: int = 0


def test_nouns_are_equal_by_class_and_fields() -> None:
    assert Slot("a", 1) == Slot("a", 1)
    assert Slot("a", 1) != Slot("a", 2)
    alike: list[object] = [Slot("a"), Other("a"), Nothing()]
    assert [alike.index(noun) for noun in alike] == [0, 1, 2]
    assert Nothing() == Nothing()


def test_equal_nouns_are_one_member_of_a_set() -> None:
    assert {Slot("a"), Slot("a"), Nothing(), Nothing()} == {Slot("a"), Nothing()}


def test_a_noun_shows_its_fields_like_a_dataclass() -> None:
    assert repr(Slot("a", 2)) == repr(Other("a", 2)).replace("Other", "Slot")


def test_a_noun_can_be_matched_replaced_and_inherited() -> None:
    match replace(Wide("a"), missed=3):
        case Wide(address, missed, width):
            assert (address, missed, width) == ("a", 3, 1)
    assert [field.name for field in fields(Wide)] == ["address", "missed", "width"]


def test_a_noun_that_would_make_itself_something_else_is_refused() -> None:
    class Busy:
        address: str

        def __post_init__(self) -> None:
            self.address = "another"

    class Derived:
        address: str = field(init=False, default="another")

    for cls in (Busy, Derived):
        with pytest.raises(TypeError, match="what it is given"):
            noun(frozen=True, slots=True)(cls)


def test_a_noun_takes_no_field_it_does_not_declare() -> None:
    assert not hasattr(Slot("a"), "__dict__")


def test_a_noun_is_made_by_place_or_by_name_as_its_class_says() -> None:
    assert Slot("a", missed=2) == Slot(address="a", missed=2)
    assert Crowd(name="a") == Crowd(size=0, name="a", among=[])
    assert Crowd(name="a").among is not Crowd(name="a").among


@pytest.mark.parametrize("given", [(), ("a", 1, 2)])
def test_a_noun_tells_which_fields_it_is_made_of(given: tuple[object, ...]) -> None:
    for make in (Slot, Other):
        with pytest.raises(TypeError, match=rf"{make.__name__}\.__init__\(\) (missing|takes)"):
            make(*given)  # type: ignore[arg-type]  # that is the mistake
