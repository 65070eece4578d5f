"""One cycle against the embedded server, in this process."""

import asyncio

from reconcile.applying.apply import OmniAccess
from reconcile.controller.cycle import Instance, Outcome, reconcile_once
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret, parse_origin
from tests.canary import CANARY
from tests.stage import Stage


def instance_of(stage: Stage) -> Instance:
    credential = Credential(parse_origin(stage.base_url), Secret(CANARY))
    return Instance(file=str(stage.folder / "reconcile.toml"), access=OmniAccess(credential))


def cycle(
    stage: Stage, *, state: str = "state.json", file: str = "reconcile.toml", sure: bool = False
) -> Outcome:
    folder = stage.folder
    instance = replace(instance_of(stage), state_url=str(folder / state), file=str(folder / file))
    return asyncio.run(reconcile_once(instance, sure=sure))
