"""The exported model as the evaluation needs it: what plays, and what model.json tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from timbre.errors import UserError
from timbre.playing.description import NAME, Description, read_description
from timbre.playing.load import load_player
from timbre.playing.player import Player


@dataclass
class ExportedModel:
    """A model.ts that plays, and its model.json.

    neutral: of each control, by its name, the value that changes nothing.
    """

    player: Player
    contract: Description
    neutral: dict[str, float]

    @property
    def defaults(self) -> dict[str, float]:
        """Of each control, the value it starts with."""
        return {name: known.default for name, known in self.player.controls.items()}

    @property
    def adapts(self) -> bool:
        """Whether the model as it starts already does something to its input that its controls can undo."""
        return self.defaults != self.neutral


def load_exported(folder: Path) -> ExportedModel:
    """Load model.ts and model.json of an export folder.

    Raises: UserError where either is missing or damaged, or they do not belong together; then model.ts has not run.
    """
    contract = read_description(Path(folder) / NAME)
    player = load_player(Path(folder) / "model.ts")
    if not player.checked:
        raise UserError(f"{folder}: model.json does not tell of model.ts. Run `dvc repro -f export`.")
    neutral = {control.name: control.neutral for control in contract.controls}
    told = {
        "controls": (neutral.keys(), player.controls.keys()),
        "sample rates": (contract.sample_rate_hz, player.sample_rate_hz),
        "channels": (contract.channels, player.channels),
        "delays": (contract.delay_samples, player.delay_samples),
    }
    for name, (one, other) in told.items():
        if one != other:
            raise UserError(f"{folder}: model.json and model.ts tell of different {name}. Run `dvc repro -f export`.")
    return ExportedModel(player, contract, neutral)
