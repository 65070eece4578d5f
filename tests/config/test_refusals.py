import pytest

from tests.config.given import ID, OTHER_ID, codes, refused, sales

C = f'[models.a]\nid = "{ID}"\n[models.a.cache.p]\n'


def test_a_suggestion_comes_from_the_keys_of_that_table() -> None:
    (diagnostic,) = refused(sales('evry = "6h"'))
    assert diagnostic.hint == "Did you mean `every`?"


def test_a_key_that_belongs_elsewhere_is_unknown_here() -> None:
    (diagnostic,) = refused(sales('every = "6h"\nreset_at = 2026-01-01T00:00:00Z'))
    assert "`branch_id`" in diagnostic.detail


def test_all_mistakes_are_reported_in_one_run() -> None:
    text = sales(
        'every = "6x"\nhold_after = "5"\ntimezone = "X"\nevry = 1',
        p='after = "models.sale.refresh"',
    )
    assert codes(text) == [
        "bad-duration", "wrong-type", "unknown-zone", "unknown-key", "after-not-declared"
    ]  # fmt: skip


def test_a_refused_table_does_not_cause_other_refusals() -> None:
    assert codes(sales("evry = 1", p='after = "models.sales.refresh"')) == ["unknown-key"]
    assert codes(f'[models.sales]\nid = 5\nrefresh.every = "1h"\n{C}every = "1h"') == ["wrong-type"]


@pytest.mark.fault("C12")
def test_models_with_one_id_may_not_declare_the_same_call() -> None:
    text = f'{sales()}[models.b]\nid = "{ID.upper()}"\nrefresh.every = "1h"\n'
    (diagnostic,) = refused(text)
    assert diagnostic.code == "same-target"
    assert [place.line for place in diagnostic.places] == [3, 7]


@pytest.mark.fault("C12")
def test_names_that_look_the_same_are_refused_with_both_places() -> None:
    text = f'{sales()}[models.Sales]\nid = "{OTHER_ID}"\nrefresh.every = "1h"\n'
    (diagnostic,) = refused(text)
    assert diagnostic.code == "same-name"
    assert [place.line for place in diagnostic.places] == [5, 1]


@pytest.mark.fault("C11")
def test_a_table_written_twice_shows_both_places() -> None:
    (diagnostic,) = refused(f'{sales()}["models" . sales]\n')
    assert [place.line for place in diagnostic.places] == [5, 1]


def test_after_finds_the_refresh_that_was_meant() -> None:
    (diagnostic,) = refused(sales(p='after = "models.sale.refresh"'))
    assert diagnostic.hint == "Did you mean `models.sales.refresh`?"


def test_resets_that_wait_for_each_other_are_shown_as_a_ring() -> None:
    text = sales(a='after = "models.sales.cache.b"', b='after = "models.sales.cache.a"')
    first, second = refused(text)
    assert (first.code, second.code) == ("after-cycle", "after-cycle")
    assert "models.sales.cache.a -> models.sales.cache.b -> models.sales.cache.a" in first.detail


def test_a_reset_can_not_follow_another_reset() -> None:
    text = sales(a='every = "1h"', refresh='after = "models.sales.cache.a"')
    assert codes(sales(a='every = "1h"', b='after = "models.sales.cache.a"')) == [
        "after-not-a-refresh"
    ]
    assert codes(text) == ["unknown-key"]


def test_a_policy_called_refresh_is_not_a_refresh() -> None:
    text = sales(refresh='every = "1h"').replace("sales.refresh", "sales.cache.refresh")
    follows = text + '[models.sales.cache.x]\nafter = "models.sales.cache.refresh"\n'
    assert codes(follows) == ["after-not-a-refresh"]


@pytest.mark.fault("C18")
@pytest.mark.parametrize(
    "line", ['api_key = "omni_s3cret"', 'token = "omni_s3cret"', "token = omni_s3cret"]
)
def test_a_credential_in_a_file_is_never_shown(line: str) -> None:
    found = refused(f"[omni]\n{line}\n")
    assert found[0].code in ("secret-in-file", "invalid-toml")
    assert "s3cret" not in repr(found)


def test_a_password_in_a_url_is_never_shown() -> None:
    found = refused('[omni]\nbase_url = "https://user:hunter2@a.example"\n')
    assert "hunter2" not in repr(found)


@pytest.mark.fault("C07")
def test_ten_thousand_mistakes_are_cut_short() -> None:
    found = refused("".join(f"k{number} = 1\n" for number in range(10_000)))
    assert len(found) == 1_001
    assert "9,000 more" in next(d.detail for d in found if d.code == "more-problems")


@pytest.mark.fault("C05", "C06")
@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        "a = " + '["]", ' * 100_000,
        ".".join(["a"] * 40_000) + " = 1",
        "[" + ".".join(["a"] * 40_000) + "]",
        '"\\"' * 300_000,
        '"""' * 200_001,
        "a = " + " " * 1_000_000 + "[",
    ],
    ids=str.split("arrays tables hidden key header quotes triples blanks"),
)
def test_hostile_text_is_refused_before_it_costs_anything(text: str) -> None:
    assert codes(text)[0] in ("nested-too-deeply", "key-too-long", "invalid-toml")


@pytest.mark.parametrize(
    "keys",
    ['timezone = "Europe/Berln{}"', 'cache.p.after = "models.n{}.refresh"', 'cache.p.at = ""'],
)
def test_a_mistake_made_two_thousand_times_is_cut_short(keys: str) -> None:
    text = "".join(
        f'[models.m{n}]\nid = "{ID[:-4]}{n:04}"\nrefresh.every = "1h"\n{keys.format(n)}\n'
        for n in range(2_000)
    )
    assert 1_000 <= len(refused(text)) <= 1_001
