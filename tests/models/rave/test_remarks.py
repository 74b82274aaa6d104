"""What is said of a training that fails, and nothing of one that does not."""

from timbre.models.rave.remarks import remarks


def test_a_healthy_run_gets_no_remark():
    training = [{"discriminator_loss": 1.2}] * 20
    assert remarks(training, [{"dead_latents": 0.3}] * 4, 0.1) == []


def test_a_dead_latent_is_called_collapse_and_names_the_key():
    (said,) = remarks([], [{"dead_latents": 0.1}, {"dead_latents": 0.97}, {"dead_latents": 1.0}], 0.1)
    assert said.startswith("posterior collapse: 98%") and "regularisation_weight (now 0.1)" in said


def test_one_dead_validation_is_not_enough():
    assert remarks([], [{"dead_latents": 1.0}], 0.1) == []
    assert remarks([], [{"dead_latents": 0.5}, {"dead_latents": 1.0}], 0.1) == []


def test_a_discriminator_that_has_won_or_learned_nothing_is_told():
    (won,) = remarks([{"discriminator_loss": 0.05}] * 8, [], 0.1)
    (lost,) = remarks([{"discriminator_loss": 1.99}] * 8, [], 0.1)
    assert won.startswith("discriminator has won") and lost.startswith("discriminator has learned nothing")


def test_rows_without_the_figure_are_passed_over():
    rows = [{"discriminator_loss": float("nan")}, {"loss": 1.0}] * 8
    assert remarks(rows, [], 0.1) == []
