"""Every diagnostic code of the tool, with what it means."""

from collections.abc import Mapping

from reconcile.cli.codes.about_apply import CODES_OF_APPLY
from reconcile.cli.codes.about_commands import CODES_OF_COMMANDS
from reconcile.cli.codes.about_controller import CODES_OF_CONTROLLER
from reconcile.cli.codes.about_credentials import CODES_OF_CREDENTIALS
from reconcile.cli.codes.about_damage import CODES_OF_DAMAGE
from reconcile.cli.codes.about_fleet import CODES_OF_FLEET
from reconcile.cli.codes.about_live import CODES_OF_LIVE
from reconcile.cli.codes.about_state import CODES_OF_STATE
from reconcile.config.messages import CODES, Explained

# `config` comes last: where a command line is read by the same rules as a file, such as a
# duration, the code is the same and the rules are explained once.
ALL_CODES: Mapping[str, Explained] = (
    CODES_OF_APPLY
    | CODES_OF_COMMANDS
    | CODES_OF_CONTROLLER
    | CODES_OF_CREDENTIALS
    | CODES_OF_DAMAGE
    | CODES_OF_FLEET
    | CODES_OF_LIVE
    | CODES_OF_STATE
    | CODES
)
