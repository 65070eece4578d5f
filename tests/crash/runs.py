"""What a run that can be killed anywhere is made of: its steps, and the bytes it leaves."""

from dataclasses import dataclass, field

from msgspec import Struct

from reconcile.model.journal import Entry, Numbered
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.planning.replay import replay
from reconcile.state.codec import decode_state, encode_state
from reconcile.state.journal import encode_line, entries_beyond, read_lines


class Killed(BaseException):
    """The process is gone. Nothing of ours catches this."""


@dataclass
class Knife:
    """Kills a run at one of its steps, each a touch of the outside world; None: never."""

    left: int | None = None
    dead: bool = False

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left <= 0
        if self.dead:
            raise Killed


@dataclass
class Files:
    """A state and its journal, as bytes; and every entry that was ever in it."""

    state: bytes = field(default_factory=lambda: encode_state(Recorded(lineage="one")))
    journal: bytes = b""
    past: list[Numbered] = field(default_factory=list)

    def load(self) -> Recorded:
        saved = decode_state(self.state)
        return replay(saved, entries_beyond(saved, read_lines(self.journal).lines))

    def save(self, recorded: Recorded) -> None:
        self.state = encode_state(replace(recorded, serial=recorded.serial + 1))
        self.journal = b""


@dataclass
class Ledger:
    """The journal of one run, on a state of serial `base`. Killed after a line, it is there."""

    files: Files
    knife: Knife
    recorded: Recorded
    base: int

    async def append(self, *entries: Entry) -> Recorded:
        self.knife.step()
        first = self.recorded.sequence + 1
        numbered = [Numbered(number, entry) for number, entry in enumerate(entries, first)]
        for one in numbered:
            self.files.journal += encode_line(one, self.recorded.lineage, self.base)
        self.files.past += numbered
        self.recorded = replay(self.recorded, numbered)
        self.knife.step()
        return self.recorded


class Run(Struct, frozen=True):
    """One apply: when it begins, at which step it is killed, when it is asked to stop."""

    delay_s: float = 0.0
    killed_at: int | None = None
    stopped_after_s: float | None = None
