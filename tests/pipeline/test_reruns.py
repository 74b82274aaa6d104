"""What runs again after a change, asked of the real dvc."""

ALL = ["audit", "gate", "normalize", "slice", "train", "export", "evaluate"]


def test_all_stages_run_in_order_and_the_check_before_them(built):
    assert built.first_run == ["check", *ALL]


def test_nothing_runs_when_nothing_changed(restored):
    assert "up to date" in restored.good("dvc", "repro")


def test_a_comment_runs_nothing(restored):
    path = restored.folder / "params.yaml"
    path.write_text("# a thought\n" + path.read_text())
    assert restored.repro() == []


def test_the_preset_of_another_size_or_model_runs_nothing(restored):
    restored.edit(sizes__large__ddsp__steps=7, sizes__tiny__rave__steps=7)
    assert restored.repro() == []


def test_an_evaluate_parameter_runs_evaluate_only(restored):
    restored.edit(evaluate__f0_tolerance_cents=40.0)
    assert restored.repro() == ["evaluate"]


def test_the_size_runs_train_and_what_follows(restored):
    restored.edit(size="small")
    assert restored.repro() == ["check", "train", "export", "evaluate"]


def test_what_the_gate_stops_at_runs_the_gate_only(restored):
    restored.edit(audit__fail_on=["never"])
    assert restored.repro() == ["gate"]


def test_a_limit_that_changes_no_file_runs_audit_and_gate_only(restored):
    restored.edit(audit__thresholds__variety_max=23.0)
    assert [name for name in restored.repro() if name not in ("audit", "gate")] == []


def test_the_loudness_target_runs_normalize_and_what_follows(restored):
    restored.edit(normalize__target_lufs=-23.0)
    assert restored.repro() == ["normalize", "slice", "train", "export", "evaluate"]


def test_recordings_elsewhere_run_everything_but_the_gate_that_reads_what_the_audit_says(restored):
    (restored.folder / "data" / "raw").rename(restored.folder / "data" / "mine")
    restored.edit(data__raw="data/mine", normalize__target_lufs=-21.0)
    try:
        assert restored.repro() == [name for name in ALL if name != "gate"]
    finally:
        (restored.folder / "data" / "mine").rename(restored.folder / "data" / "raw")


def test_own_recordings_leave_the_demo_corpus_unmade(built):
    assert not (built.folder / "data" / "demo" / "raw").exists()
