"""The desired state a controller goes by: the newest version of the files that is valid."""

from dataclasses import dataclass

from reconcile.controller.instance import Instance, load_instance
from reconcile.controller.mishaps import mishap
from reconcile.controller.watching import Sight, declared_sight
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A desired state and what was said about it. `refused`: why a newer version is not used."""

    desired: Desired
    warnings: tuple[Diagnostic, ...]
    refused: tuple[Diagnostic, ...] = ()


class Keeper:
    """Keeps the last valid version. Raises ReconcileError, when made, if there never was one."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        desired, warnings = load_instance(instance)
        self.kept = Kept(desired=desired, warnings=warnings)
        self._loaded = self._seen = self._look()

    def look(self) -> bool:
        """Reload once the files have changed and rest again; tell whether they were reloaded.

        A file that is being written changes from look to look.
        """
        seen, before = self._look(), self._seen
        self._seen = seen
        if self._loaded == seen or seen != before:
            return False
        self.reload()
        return True

    def reload(self) -> None:
        """Load the files; keep what there was if they are invalid."""
        self._loaded = self._look()
        try:
            desired, warnings = load_instance(self._instance)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the new, the old stands
            self.kept = Kept(
                desired=self.kept.desired, warnings=self.kept.warnings, refused=mishap(error)
            )
        else:
            self.kept = Kept(desired=desired, warnings=warnings)
            # Other files may be waited for now.
            self._loaded = self._look()
        self._seen = self._loaded

    def _look(self) -> Sight:
        return declared_sight(self._instance.file, self.kept.desired)
