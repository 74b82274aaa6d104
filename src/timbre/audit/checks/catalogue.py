"""All checks, in the order in which they stand on the page where they are equally bad."""

from timbre.audit.checks import channels, dataset, faults, left_out, levels, music, source
from timbre.audit.checks.check import Check, FileCheck, SetCheck

SET_CHECKS: tuple[SetCheck, ...] = dataset.CHECKS
FILE_CHECKS: tuple[FileCheck, ...] = (
    *left_out.CHECKS,
    *levels.CHECKS,
    *faults.CHECKS,
    *source.CHECKS,
    *channels.CHECKS,
    *music.CHECKS,
)
CHECKS: tuple[Check, ...] = (*SET_CHECKS, *FILE_CHECKS)
