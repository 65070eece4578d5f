"""The text by which processes tell each other of their requests, and how it is dated."""

from hypothesis import given
from hypothesis import strategies as st

from reconcile.omni.limiter import Moment, Send, Sends, decode_sends, encode_sends
from reconcile.planning.budget import Closure, Turn

BOOT = "0b1c-a"
NOW = Moment(at_s=1000.0, wall_s=1_800_000_000.0, boot=BOOT)
SENT = Send(Turn.CALL, 989.5, 990.0, NOW.wall_s - 10, "a1", 7)

sends = st.floats(940, 1000).flatmap(
    lambda at_s: st.builds(
        Send,
        st.sampled_from(Turn),
        st.floats(900, at_s),
        st.just(at_s),
        st.floats(0, 2e9),
        st.sampled_from("abc"),
        st.integers(1, 10**6),
    )
)
closures = st.none() | st.builds(Closure, st.floats(0, 2000), st.floats(0.01, 1))


@given(st.lists(sends, max_size=80), closures)
def test_what_was_written_is_read_again(written: list[Send], closure: Closure | None) -> None:
    assert decode_sends(encode_sends(written, closure), NOW, BOOT) == Sends(written, closure)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_content_whatever_is_an_error_or_reaches_into_the_future(junk: bytes, at: int) -> None:
    whole = encode_sends([SENT] * 3, Closure(1010.0, 0.5))
    read = decode_sends(whole[:at] + junk + whole[at:], NOW, BOOT)
    assert all(send.due_s <= send.at_s <= 1000.0 for send in read.sends)


def aged(sent: Send, boot: str = "another") -> list[float]:
    return [s.at_s for s in decode_sends(encode_sends([sent], None), NOW, boot).sends]


def sent(at_s: float, age_s: float) -> Send:
    return Send(Turn.CALL, at_s, at_s, NOW.wall_s - age_s, "a1", 1)


def test_after_a_reboot_the_wall_clock_dates_what_was_sent() -> None:
    assert aged(SENT) == [990.0]
    assert aged(sent(5_000_000.0, age_s=20)) == [980.0]
    assert aged(sent(990.0, age_s=3600)) == [-2600.0]


def test_a_wall_clock_that_jumps_moves_nothing_within_a_boot() -> None:
    assert aged(sent(990.0, age_s=86_400), BOOT) == [990.0]
    assert aged(sent(990.0, age_s=-86_400), BOOT) == [990.0]


def test_what_seems_to_lie_in_the_future_counts_as_sent_just_now() -> None:
    assert aged(sent(990.0, age_s=-86_400)) == [1000.0]
    assert aged(sent(1200.0, age_s=-86_400), BOOT) == [1000.0]


def test_a_closure_of_another_boot_or_of_days_is_not_obeyed() -> None:
    for closure, boot in ((Closure(1010.0, 0.5), "another"), (Closure(1e6, 0.5), BOOT)):
        assert decode_sends(encode_sends([], closure), NOW, boot) == Sends([])
