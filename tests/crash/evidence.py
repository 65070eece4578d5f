"""What runs leave behind, read without any of the tool's own code, and what Omni saw of them."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

OUTCOMES = {"not_sent", "rejected", "accepted"}


class Evidence:
    """All that was ever seen on the disk of one state, gathered from look to look."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._entries: dict[int, dict[str, Any]] = {}

    def look(self) -> None:
        """Read what is there now. Fails if anything is damaged, gone, or told otherwise before."""
        sequence = self._sequence_saved()
        for raw in self._lines():
            entry = json.loads(raw[9:])
            assert raw[:9] == b"%08x " % crc32(raw[9:]), f"a damaged line: {raw!r}"
            assert self._entries.setdefault(entry["seq"], entry) == entry
            sequence = max(sequence, entry["seq"])
        newest = max(self._entries, default=0)
        assert sequence >= newest, f"{newest} entries were on the disk, and now {sequence} are"
        assert len(self._entries) == newest, "an entry was skipped"

    def acknowledged(self) -> Counter[str]:
        """Count the calls whose acceptance is written down, by path."""
        paths = {e["operation"]: e["request"]["path"] for e in self._of("intent")}
        return Counter(paths[entry["operation"]] for entry in self._of("accepted"))

    def in_doubt(self) -> Counter[str]:
        """Count the calls that were begun, and of which nothing more is known, by path."""
        decided = {e.get("operation") for e in self._entries.values() if e["entry"] in OUTCOMES}
        begun = (e for e in self._of("intent") if e["operation"] not in decided)
        return Counter(entry["request"]["path"] for entry in begun)

    def doubted(self) -> list[str]:
        """List the items of calls whose answer was lost, and that none has been accepted for."""
        acknowledged = self.acknowledged()
        lost = {entry["operation"] for entry in self._of("doubted")}
        left = (e for e in self._of("intent") if not acknowledged[e["request"]["path"]])
        begun = (entry for entry in left if entry["operation"] in lost)
        return sorted({cover["address"] for entry in begun for cover in entry["covers"]})

    def require_true_to(self, sent: Counter[str]) -> int:
        """Compare with what Omni executed; returns how many calls came twice, all of them in doubt.

        A call is sent again only if it was in doubt, and never once it was acknowledged.
        """
        acknowledged, in_doubt = self.acknowledged(), self.in_doubt()
        for path in sent.keys() | acknowledged.keys():
            assert acknowledged[path] == 1, f"{path}: {acknowledged[path]} acceptances"
            assert 1 <= sent[path] <= 1 + in_doubt[path], f"{path}: {sent[path]} calls"
        return sum(sent.values()) - len(sent)

    def _of(self, name: str) -> list[dict[str, Any]]:
        return [entry for entry in self._entries.values() if entry["entry"] == name]

    def _sequence_saved(self) -> int:
        if not self.state.exists():
            return 0
        data = self.state.read_bytes()
        head, _, rest = data.partition(b'",\n')
        before, checksum = head[:-64], head[-64:]
        assert sha256(before + b'",\n' + rest).hexdigest().encode() == checksum, "a damaged state"
        return int(json.loads(data)["sequence"])

    def _lines(self) -> list[bytes]:
        """Return every whole line; what follows the last line break was never acknowledged."""
        lines = []
        for suffix in ("history", "journal"):
            path = self.state.with_name(f"{self.state.name}.{suffix}")
            if path.exists():
                lines += path.read_bytes().split(b"\n")[:-1]
        return lines
