"""Training of any model: loop, checkpoints, schedules, device. Knows no model by name."""
