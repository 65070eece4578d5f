"""The fuzzed functions over inputs that hypothesis draws and chance mutates; no atheris needed."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.state.acts import dice
from tests.strategies import examples

pytestmark = pytest.mark.fault("C13", "N13", "S09", "Z18", "Z26")

SIGNS = (b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\\", b"null", b"-1", b"1e999", b"\xff")


def mutated(good: bytes, random: Random) -> bytes:
    data = bytearray(good)
    for _ in range(random.randint(1, 6)):
        place, other = random.randrange(len(data) + 1), random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0:
                data[place : place + random.randint(0, 20)] = b""
            case 1:
                data[place:place] = random.choice(SIGNS)
            case 2:
                data[place : place + 1] = random.randbytes(1)
            case 3:
                data[place:place] = data[other : other + random.randint(1, 40)]
            case _:
                data[place : place + 1] = random.choice(SIGNS)
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutation_of_a_good_input_raises_anything_foreign(name: str) -> None:
    target, random = TARGETS[name], dice(1)
    for good in target.good:
        for _ in range(1_500 // len(target.good)):
            target.read(mutated(good, random))


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_at_all_raise_anything_foreign(name: str) -> None:
    @examples(150)
    @given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
    def read(data: bytes) -> None:
        TARGETS[name].read(data)

    read()


@pytest.mark.parametrize("name", TARGETS)
def test_good_inputs_are_good(name: str) -> None:
    for good in TARGETS[name].good:
        TARGETS[name].read(good)
