"""What becomes of every command on the pages: executed, executed by another test, or not, and why."""

# ruff: noqa: E501 - commands and names of tests are as long as they are

from __future__ import annotations

# Executed in this order by tests/pipeline/test_documented.py, in one workspace of own recordings: what the page has, and
# what is executed (None: just that; with ! before it, it fails). Without a page's words it is what another step needs.
Step = tuple[str, str | None]
NAMES = ("short", "noise", "large-corpus")

STEPS: list[Step] = [
    # Recordings of one's own, which the workspace had in git.
    ("", "git rm -r -q --cached data/raw data/inputs"),
    ("dvc add data/raw data/inputs", None),
    ("dvc add data/raw", None),
    ("", "git add -A"),
    ("", "git commit -q -m recordings"),
    ("dvc repro", None),
    ("dvc repro audit", None),
    ("dvc repro slice", None),
    ("python -m timbre.params", None),
    # An experiment, which the pages call by several names.
    ("dvc exp run -S 'audit.fail_on=[never]'", None),
    *(("", f"sh -c 'git tag {name} $(git for-each-ref --format=\"%(objectname)\" refs/exps/*/*/*)'") for name in NAMES),
    ("", "git checkout -q --force HEAD"),
    ("dvc checkout dvc.yaml", None),
    ("dvc exp list", None),
    ("dvc exp show", None),
    ("dvc exp show --only-changed", None),
    ("dvc exp show --csv", None),
    ("timbre table", None),
    ("dvc metrics show", None),
    ("dvc metrics diff", None),
    ("dvc metrics diff main short", None),
    ("dvc plots show", None),
    ("dvc plots diff main short noise", None),
    ("timbre compare main short noise", None),
    ("dvc get . models/train --rev large-corpus -o pretrained/violin", None),
    ("git checkout REV", "git checkout -q short"),
    ("", "dvc checkout dvc.yaml"),
    ("", "git checkout -q main"),
    ("", "dvc checkout dvc.yaml"),
    # Of a corpus that was never made it says that it fails, and has then applied all else.
    ("dvc exp apply NAME", "! dvc exp apply short"),
    ("", "dvc repro"),
    ("", "git checkout -q --force HEAD"),
    ("dvc exp branch NAME BRANCH", "dvc exp branch short tried"),
    ("git checkout BRANCH", "git checkout -q tried"),
    ("", "dvc checkout dvc.yaml"),
    ("", "dvc repro"),
    ("", "git checkout -q main"),
    ("", "dvc checkout dvc.yaml"),
    # A grid.
    ("dvc exp run --queue -S size=fast,small -S train.ema_decay=0.9,0.99", None),
    ("dvc exp run --queue -n broken -S sizes.fast.ddsp.batch=0", None),
    ("dvc queue status", None),
    ("dvc queue remove broken", None),
    # Play.
    ("timbre render voice.wav takes/ --model models/export/model.ts --set pitch_shift_semitones=-12 -o played", None),
    ("timbre render takes/ --model models/export/model.ts -o played", None),
    ("timbre render voice.wav --set gate_dbfs=-45 --model models/export/model.ts -o played", None),
    # A version.
    ("gto register timbre --version v1.0.0", None),
    ("gto assign timbre --version v1.0.0 --stage live", None),
    ("gto show", None),
    (
        "dvc artifacts get ssh://host/srv/timbre.git timbre --stage live -o live",
        "dvc artifacts get . timbre --stage live -o live",
    ),
    # Upkeep.
    ("timbre doctor", None),
    ("timbre doctor --deep", None),
    ("make help", None),
    ("dvc checkout --relink dvc.yaml", None),
    ("dvc unprotect data/raw", None),
    ("", 'python -c \'print(file=open("src/timbre/training/loop.py", "a"))\''),
    ("dvc commit -f train", None),
    ("", "dvc repro"),
]

SHARING = "tests/pipeline/test_sharing.py::test_a_second_clone_runs_no_stage_of_any_commit_or_experiment"
LAB_BOX = "tests/pipeline/test_sharing.py::test_two_clones_of_a_lab_box_work_from_one_cache"
IN_A_COPY = (
    "tests/pipeline/test_reproducible.py::test_an_experiment_with_another_size_runs_in_a_copy_and_can_be_compared"
)
KILLED = "tests/pipeline/test_reproducible.py::test_training_that_was_killed_resumes_and_ends_with_the_same_bytes"
# Tests that execute a command, or what it comes to, with other names and places.
ELSEWHERE = {
    "TIMBRE_FUZZ_CASES=10000 python -m pytest tests/hardening": "tests/hardening/test_readers.py::test_what_is_damaged_is_told_and_nothing_else_happens",
    "TIMBRE_TEST_DISKS=1 python -m pytest tests/hardening/test_stage_disk.py": "tests/hardening/test_stage_disk.py::test_every_stage_names_the_file_and_keeps_what_was_there",
    "TIMBRE_TEST_KILLS=20 python -m pytest tests/hardening/test_stage_killed.py": "tests/hardening/test_stage_killed.py::test_each_out_is_whole_or_none_and_comes_to_the_same_bytes",
    "python stages/check.py": "tests/hardening/test_strange_files.py::test_what_stops_dvc_is_told_before_it_starts",
    "TIMBRE_DEVICES=4 dvc repro": "tests/training/test_team.py::test_two_processes_however_started_have_the_curve_of_one",
    "TIMBRE_NN_TILDE=folder python -m pytest tests/hosts/test_pure_data.py": "tests/hosts/test_pure_data.py::test_forward_plays_what_the_network_plays_later_by_two_buffers",
    "TIMBRE_TENSORBOARD=~/tensorboard dvc repro train": "tests/training/test_board.py::test_it_reads_every_figure_of_both_phases_and_hears_every_validation",
    "dvc cache dir --local /srv/timbre-cache": LAB_BOX,
    "dvc config --local cache.shared group": LAB_BOX,
    "dvc config --local cache.type reflink,symlink,copy": LAB_BOX,
    "dvc exp run --temp": IN_A_COPY,
    "dvc exp run -S data.raw=data/raw": "tests/pipeline/test_reruns.py::test_own_recordings_leave_the_demo_corpus_unmade",
    "dvc exp run -S export.precision=int8": "tests/export/test_int8.py::test_the_file_lies_beside_the_whole_one_with_its_figures",
    "dvc exp run -S model=rave": "tests/pipeline/test_one_recording.py::test_one_stereo_recording_goes_through_rave_and_a_forced_rebuild_is_byte_identical",
    "dvc exp run -S model=squeeze -S size=fast": "tests/docs/test_extending.py::test_the_model_of_the_page_is_trained_exported_and_played",
    "dvc exp run -S size=small": IN_A_COPY,
    "dvc exp run -S train.init_from=pretrained/violin -S train.max_hours=1": "tests/training/test_start.py::test_a_run_begins_with_the_weights_that_it_starts_from",
    "dvc remote add -d shared URL": SHARING,
    "dvc remote modify --local shared endpointurl URL": SHARING,
    "dvc remote modify --local shared keyfile PATH": SHARING,
    "dvc remote modify --local shared user NAME": SHARING,
    "dvc repro -f": "tests/pipeline/test_reproducible.py::test_a_forced_rebuild_leaves_the_lock_byte_identical",
    "git remote add origin URL": SHARING,
    "make fetch": SHARING,
    "make share": SHARING,
    "make share REMOTE=ssh://host/path": SHARING,
    "make share REMOTE=ssh://me@host/srv/timbre": SHARING,
    "python docs/run_onnx.py models/export/model.onnx input.wav output.wav pitch_shift_semitones=-12": "tests/export/onnx/test_runner.py::test_thirty_lines_play_a_file",
    "python stages/train.py": KILLED,
    "python tools/parameters.py": "tests/docs/test_parameters.py::test_the_page_is_what_the_command_writes",
    "timbre fetch": SHARING,
    "timbre fetch REV": SHARING,
    "timbre render my-voice.wav --model models/export/model.nm -o played": "tests/playing/test_neutone.py::test_the_delay_of_model_and_queue_is_taken_out_at_any_block",
    "timbre share": SHARING,
}  # fmt: skip

LONG = "trains for minutes, or for hours"
WORKERS = "starts or ends workers that outlive a test; tried by hand, as the page shows"
DOWNLOADS = "downloads packages, and changes the environment that the tests run in"
MACHINE = "changes the machine"
NAMED = "is named in the text, with what it does"
SAME = "as another in this list, with other names"
NOT_RUN = {
    "CUDA_VISIBLE_DEVICES=0 dvc queue start -j 1": WORKERS,
    "CUDA_VISIBLE_DEVICES=1 dvc queue start -j 2": WORKERS,
    "OMP_NUM_THREADS=4 dvc queue start -j 2": WORKERS,
    "dvc queue kill": WORKERS,
    "dvc queue kill --force": WORKERS,
    "dvc queue kill long": WORKERS,
    "dvc queue logs": WORKERS,
    "dvc queue logs NAME": WORKERS,
    "dvc queue logs broken": WORKERS,
    "dvc queue logs long": WORKERS,
    "dvc queue start": WORKERS,
    "dvc queue start -j 2": WORKERS,
    "dvc queue stop --kill": WORKERS,
    "dvc exp run -S 'export.targets=[torchscript,onnx]'": "exports for a minute; the targets have tests of their own",
    "dvc exp run -S features.f0_min_hz=100 -n high": LONG,
    "dvc exp run -S model=rave -S size=low_latency": LONG,
    "dvc exp run -S synth=noise_bands": LONG,
    "dvc exp run -S train.max_hours=2": LONG,
    "python benchmarks/compare_synths.py": LONG,
    "make bench": "measures for an hour",
    "dvc exp run --queue -S model=ddsp,rave -S size=tiny": SAME,
    "CUDA_VISIBLE_DEVICES=1 dvc exp run --temp -n noise -S synth=noise_bands": LONG,
    "dvc exp run --queue -n as-it-is -S sizes.tiny.ddsp.steps=600": SAME,
    "dvc exp run --queue -n long -S sizes.fast.ddsp.steps=3000 -S train.validate_every_steps=500": SAME,
    "dvc exp run --queue -n no-loudness-skip -S sizes.tiny.ddsp.steps=600 -S sizes.tiny.ddsp.loudness_skip=false": SAME,
    "dvc exp run --queue -n not-aligned -S sizes.tiny.ddsp.steps=600 -S sizes.tiny.ddsp.aligned=false": SAME,
    "dvc exp run --queue -n short-windows -S sizes.tiny.ddsp.steps=600 -S sizes.tiny.ddsp.fft_seconds=0.0427": SAME,
    "dvc exp run -S KEY=VALUE": SAME,
    "dvc exp run -n NAME -S …": SAME,
    "dvc plots diff main high": SAME,
    "dvc plots diff main short": SAME,
    "timbre compare main high": SAME,
    "timbre compare main gutta-agio": SAME,
    "dvc add": NAMED,
    "dvc exp apply": NAMED,
    "dvc exp push": NAMED,
    "dvc exp run": NAMED,
    "dvc fetch": NAMED,
    "dvc gc": NAMED,
    "dvc metrics": NAMED,
    "dvc plots": NAMED,
    "dvc push": NAMED,
    "dvc push --all-commits": NAMED,
    "dvc push --run-cache": NAMED,
    "git add": NAMED,
    "git commit": NAMED,
    "git push": NAMED,
    "timbre compare": NAMED,
    "timbre render": NAMED,
    "dvc config --system": MACHINE,
    "git clone URL timbre": "needs the address of a server",
    "git clone ssh://host/srv/timbre.git": "needs the address of a server",
    "make clean": "deletes .venv, in which the tests run",
    "make run": "takes minutes; a whole line is run by tests/pipeline/test_reruns.py",
    "make setup": DOWNLOADS,
    "make test": "is what runs this",
    "pip install -e \".[ssh]\" -c constraints.txt": DOWNLOADS,
    "pip install -e .[dask] -c constraints.txt": DOWNLOADS,
    "pip install -e .[pitch]": DOWNLOADS,
    "pip install -e .[tensorboard] -c constraints.txt": DOWNLOADS,
    "python -m http.server": "a server; the page it hands out is played by tests/export/onnx/test_browser.py",
}  # fmt: skip

# Of other programs, by how they begin.
OTHERS = {
    "source": "the shell's own",
    "cd": "the shell's own",
    "export": "the shell's own",
    "cp": "the shell's own",
    "mkdir": "the shell's own",
    "sudo": MACHINE,
    "ffmpeg": "another program, which timbre does not need",
    ".venv/bin/dask": "workers are started by tests/pipeline/test_cluster.py",
    "srun": "needs Slurm; what it sets is set by tests/training/test_team.py",
    "torchrun": "several machines; on one, by tests/training/test_team.py",
    "tensorboard": "a server; what it reads is read by tests/training/test_board.py",
}
