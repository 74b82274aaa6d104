"""What the curves of a RAVE training say, in plain sentences."""

from __future__ import annotations

# Of the last so many rows together, so that no single step is judged.
ROWS = 8
COLLAPSED_SHARE = 0.95
# Full scale of the hinge loss is 2 (nothing learned) to 0 (every sample told apart with certainty).
WON_LOSS = 0.1
LOST_LOSS = 1.98


def remarks(training_rows: list[dict], validation_rows: list[dict], regularisation_weight: float) -> list[str]:
    """Sentences about a latent that carries nothing, or a game that one side has won; none where all is well."""
    said = []
    dead = _recent(validation_rows, "dead_latents", 2)
    if dead is not None and dead >= COLLAPSED_SHARE:
        said.append(
            f"posterior collapse: {dead:.0%} of the latent dimensions carry nothing, so the decoder plays without "
            f"listening. Lower regularisation_weight (now {regularisation_weight:g}), to a tenth, say."
        )
    loss = _recent(training_rows, "discriminator_loss", ROWS)
    if loss is not None and loss <= WON_LOSS:
        said.append(
            f"discriminator has won: it tells the recordings from the output almost every time (hinge loss {loss:.2f} "
            "of 2), so the decoder learns little from it. A longer first phase (a lower adversarial_share) or a higher "
            "discriminator_every gives the decoder a chance."
        )
    if loss is not None and loss >= LOST_LOSS:
        said.append(
            f"discriminator has learned nothing: its hinge loss is {loss:.2f} of 2, as by guessing, so the second "
            "phase adds nothing yet. A lower discriminator_every gives it more turns."
        )
    return said


def _recent(rows: list[dict], name: str, count: int) -> float | None:
    """Mean of a figure over the last `count` rows that hold it; None while there are fewer."""
    values = [row[name] for row in rows if row.get(name) is not None and row[name] == row[name]][-count:]
    return sum(values) / count if len(values) == count else None
