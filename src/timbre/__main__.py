"""The command `timbre`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from timbre.errors import stage_main

DEFAULT_BLOCK = 4096
COMPARISON = Path("compare/index.html")


def main() -> None:
    """Run the command that the arguments name."""
    stage_main(_main)


def _main() -> None:
    arguments = _parser().parse_args()
    arguments.run(arguments)


def _render(arguments: argparse.Namespace) -> None:
    if not arguments.inputs:
        arguments.parser.error("name at least one INPUT, before --set")
    from timbre.playing.command import render_files  # after the arguments' check, which takes no torch

    skipped = render_files(arguments.inputs, arguments.model, arguments.output, arguments.block, arguments.set)
    sys.exit(1 if skipped else 0)


def _compare(arguments: argparse.Namespace) -> None:
    from timbre.comparing.command import compare  # not for --help, which is quick

    compare(arguments.revisions, arguments.output)


def _table(arguments: argparse.Namespace) -> None:
    from timbre.comparing.table import table

    table()


def _share(arguments: argparse.Namespace) -> None:
    from timbre.sharing.share import share  # not for --help, which is quick

    share(arguments.remote)


def _fetch(arguments: argparse.Namespace) -> None:
    from timbre.sharing.fetch import fetch

    fetch(arguments.revisions)


def _doctor(arguments: argparse.Namespace) -> None:
    from timbre.doctor.command import doctor

    sys.exit(0 if doctor(arguments.deep) else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="timbre", description="Play with what the pipeline has made, and share it.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_render(commands)
    _add_compare(commands)
    _add_table(commands)
    _add_sharing(commands)
    _add_doctor(commands)
    return parser


def _add_render(commands) -> None:
    render = commands.add_parser(
        "render",
        help="play sound files through an exported model",
        description="Play sound files through an exported model, block by block as a host does, and write a WAV file "
        "for each: as long as the input, the model's delay taken out, at the model's sample rate and in its channels. "
        "It has 24 bits, or 32-bit floats where the sound goes over full scale, so that nothing clips. "
        "A file that cannot be read is named and left out, and the command ends with 1.",
    )
    render.add_argument(
        "inputs", metavar="INPUT", nargs="*", type=Path, help="wav, aiff, flac, ogg, opus or mp3, or a folder of them"
    )
    render.add_argument(
        "--model", required=True, type=Path, metavar="FILE", help="model.ts, model_int8.ts, model.nm or model.onnx"
    )
    render.add_argument(
        "--block",
        type=_positive,
        default=DEFAULT_BLOCK,
        metavar="N",
        help=f"samples a call, by default {DEFAULT_BLOCK}; brought up to what the model takes",
    )
    render.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="CONTROL=VALUE",
        help="turn controls of the model; a name that it does not know lists them all",
    )
    render.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="folder that the files go to")
    render.set_defaults(parser=render, run=_render)


def _add_compare(commands) -> None:
    compare = commands.add_parser(
        "compare",
        help="hear and read the evaluations of several experiments side by side",
        description="Gather the evaluations of experiments, branches, tags or commits from the DVC cache into one page "
        "that opens from disk: what each model makes of each input, in turn or in a blind test, with figures, their "
        "differences from the first and the parameters that set them apart.",
    )
    compare.add_argument(
        "revisions",
        metavar="REV",
        nargs="+",
        help="experiment, branch, tag, commit or `workspace`; the first is what the others are measured against, and "
        "one alone is compared with the workspace",
    )
    compare.add_argument(
        "-o",
        "--output",
        type=Path,
        default=COMPARISON,
        metavar="FILE",
        help=f"the page, by default {COMPARISON.as_posix()}; in a folder it is index.html",
    )
    compare.set_defaults(run=_compare)


def _add_table(commands) -> None:
    table = commands.add_parser(
        "table",
        help="list the experiments of this branch with their main figures",
        description="List the workspace, the commit that is checked out and those before it that have experiments, "
        "with these, a line each within 120 columns: the parameters that differ, and the figures that "
        ".dvc/columns.yaml names.",
    )
    table.set_defaults(run=_table)


def _add_sharing(commands) -> None:
    share = commands.add_parser(
        "share",
        help="send results to where other clones find them",
        description="Send the files of this branch's commits, the records of all runs, all experiments and the commits "
        "themselves, in the order in which nobody can get a commit without its files, and say how much went.",
    )
    share.add_argument(
        "remote",
        metavar="REMOTE",
        nargs="?",
        help="where files go: an absolute path, ssh://host/path, s3://bucket/path, webdav://host/path, or the name of "
        "a DVC remote; noted in .dvc/config, so once is enough",
    )
    share.set_defaults(run=_share)
    fetch = commands.add_parser(
        "fetch",
        help="bring what others have shared",
        description="Bring commits, their files, the records of all runs and all experiments into this clone, where "
        "`dvc repro` then runs only what nobody has run yet, and say how much came.",
    )
    fetch.add_argument(
        "revisions", metavar="REV", nargs="*", help="branch, tag or commit whose files are to come as well"
    )
    fetch.set_defaults(run=_fetch)


def _add_doctor(commands) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="check machine, packages, cache, remotes and leftovers, and say how to mend them",
        description="Check Python, packages, torch, GPU, memory, cache and its objects, remotes, disks, copies of "
        "killed experiments and checkpoints, in a few seconds, and say for each how to mend it. It changes nothing. "
        "It ends with 1 where something must be mended before timbre can be relied on, otherwise with 0.",
    )
    doctor.add_argument(
        "--deep",
        action="store_true",
        help="read every object of the cache again, however long that takes, and log in to the remotes",
    )
    doctor.set_defaults(run=_doctor)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    main()
