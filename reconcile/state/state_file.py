"""The state file as one session knows it."""

from dataclasses import replace

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.recorded import Recorded
from reconcile.state.aside import free_name
from reconcile.state.files import identity, replace_file
from reconcile.state.location import Location
from reconcile.state.saving import encode_state
from reconcile.state.session_refusals import state_replaced


class StateFile:
    """The state file, and whether it still is what this session read or wrote.

    `saved` is the sequence it reaches to.
    """

    def __init__(self, location: Location, saved: int) -> None:
        self.saved = saved
        self._location = location
        self._identity = identity(location.state)

    def save(self, recorded: Recorded) -> Recorded:
        """Save a state, its serial one higher, and return it so. Raises ReconcileError."""
        grown = replace(recorded, serial=recorded.serial + 1)
        location = self._location
        replace_file(location.state, encode_state(grown), previous=location.previous)
        self._identity = identity(location.state)
        self.saved = grown.sequence
        return grown

    def is_untouched(self) -> bool:
        """Tell whether nobody else has replaced, changed or removed the file."""
        try:
            return identity(self._location.state) == self._identity
        except ReconcileError:
            return False

    def rescue(self, recorded: Recorded) -> ReconcileError:
        """Save a state beside a file that is somebody else's by now, and return what to say."""
        rescued = free_name(self._location.state, "rescued")
        replace_file(rescued, encode_state(replace(recorded, serial=recorded.serial + 1)))
        return state_replaced(self._location.state, rescued)
