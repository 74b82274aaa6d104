"""What happens between the plan and the first step: how the steps can be taken on this machine is tried out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from timbre.cache.feed import Feed
from timbre.models.phase import Phase
from timbre.training.compiled import compile_parts
from timbre.training.dry_run import Rehearsal, bytes_to_come, fitting_micro_batch, untouched
from timbre.training.mixed import use_bf16
from timbre.training.outcome import Outcome
from timbre.training.team import Team
from timbre.training.threads import use_best_threads

if TYPE_CHECKING:
    from timbre.training.loop import Settings


def prepare(
    team: Team,
    task: nn.Module,
    groups: dict[str, list[nn.Parameter]],
    phases: list[Phase],
    feed: Feed,
    settings: Settings,
    outcome: Outcome,
    folder: Path,
) -> None:
    """Set precision and `outcome.micro_batch`, the best number of threads, and compile, as far as each is asked for.

    The task is afterwards as it was, to the bit.
    Raises: UserError where not even one crop fits into memory.
    """
    share = team.share(settings.batch)
    parts = task.learned_parts()
    if settings.precision == "bf16":
        use_bf16(parts, team.device)

    def draw(step: int) -> dict:
        return feed.crops.random(settings.batch, settings.seed, step, share)

    crops = share.stop - share.start
    rehearsal = Rehearsal(task, team.device, groups, phases, draw, crops, outcome.step)
    later_bytes = 0 if outcome.step else bytes_to_come(groups, task.network)
    # A run may go on with more processes, or with fewer.
    wanted = min(-(-outcome.micro_batch // team.size) or crops, crops)
    # All in as many parts: they exchange what they need of each other in each.
    micro_batch = -team.highest(-fitting_micro_batch(rehearsal, wanted, later_bytes))
    outcome.micro_batch = micro_batch * team.size

    def rehearse() -> int:
        with untouched(task, team.device):
            return rehearsal.run(crops, micro_batch)

    if team.device.type == "cpu" and team.size == 1:
        to_come = sum(phase.steps for phase in phases) - outcome.step
        use_best_threads(rehearse, to_come, folder.with_name(f"{folder.name}.threads.json"))
    if settings.compile:
        compile_parts(parts, rehearse)
