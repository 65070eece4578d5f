import pytest

from tests.config.given import ID, OTHER_ID, codes, loaded, sales

LEGACY = '[omni]\napi = "legacy"\n'


def warnings(text: str) -> list[str]:
    return [warning.code for warning in loaded(text).warnings]


def test_a_sound_file_warns_of_nothing() -> None:
    assert warnings(sales(p='after = "models.sales.refresh"')) == []


def test_the_legacy_api_warns_of_ends_that_cannot_be_seen() -> None:
    text = LEGACY + sales(p='after = "models.sales.refresh"')
    assert warnings(text) == ["after-not-observed"]


@pytest.mark.parametrize("keys", ['mode = "soft"', f'branch_id = "{ID}"'])
def test_the_legacy_api_refuses_what_its_call_cannot_say(keys: str) -> None:
    text = LEGACY + sales('every = "1h"\n' + keys)
    assert codes(text) == ["legacy-refresh-is-hard"]


def test_a_reset_behind_a_refresh_that_is_paused_for_good_never_runs() -> None:
    paused = 'every = "1h"\npause = { reason = "x" }'
    assert warnings(sales(paused, p='after = "models.sales.refresh"')) == ["never-runs"]


def test_idle_models_and_freezes_are_warned_of() -> None:
    text = (
        f'{sales()}[models.b]\nid = "{OTHER_ID}"\n[[freeze]]\nname = "x"\nallow = "01:00-02:00"\n'
    )
    assert warnings(f'{text}match = ["models.x.*"]') == [
        "model-without-items",
        "freeze-matches-nothing",
    ]


def test_a_freeze_of_a_name_in_brackets_matches_it() -> None:
    model = sales().replace("models.sales", 'models."sales [EU]"')
    freeze = """[[freeze]]\nname = "x"\nmatch = ['models."sales [EU]".refresh']\n"""
    assert warnings(f'{model}{freeze}allow = "01:00-02:00"\n') == []


@pytest.mark.parametrize("text", ["", "# nothing\n", '[omni]\nbase_url = "https://a.example"\n'])
def test_a_file_that_declares_nothing_yet_is_valid(text: str) -> None:
    (warning,) = loaded(text).warnings
    assert (warning.code, warning.hint) == ("declares-nothing", "reconcile init --model NAME=UUID")


def test_a_model_without_items_is_pointed_at_with_what_to_add() -> None:
    told = loaded(f'[models."a b"]\nid = "{ID}"\n').warnings
    (warning,) = [it for it in told if it.code == "model-without-items"]
    assert warning.places[0].line == 1
    assert '[models."a b".refresh]' in str(warning.hint)
