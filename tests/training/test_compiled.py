"""torch.compile and its fall-back."""

import shutil

import pytest
import torch

from timbre.training.compiled import compile_parts


@pytest.fixture(autouse=True)
def around(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    yield
    torch.compiler.reset()


class Part(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x):
        return self.linear(x).tanh()


@pytest.fixture
def part():
    return Part()


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_part_is_compiled_and_kept_on_disk(part, tmp_path, capsys):
    x = torch.randn(4, 8)
    wanted, names = part(x), list(part.state_dict())
    compile_parts([part], lambda: part(x).sum().backward())
    out = capsys.readouterr().out
    assert "compiling 1 parts" in out and "train: compiled 1 graphs in" in out
    assert torch.allclose(part(x), wanted, atol=1e-6) and list(part.state_dict()) == names
    assert any((tmp_path / "timbre/compiled").rglob("*"))


def test_where_it_fails_the_reason_is_told_and_training_goes_on(part, capsys, monkeypatch):
    x = torch.randn(4, 8)
    wanted = part(x)
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", (None, "no-such-compiler"))
    monkeypatch.setattr(torch._inductor.config, "fx_graph_cache", False)
    compile_parts([part], lambda: part(x))
    assert "train: torch.compile fails (" in capsys.readouterr().out
    assert torch.equal(part(x), wanted)


def test_an_interrupt_is_no_failure(part):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_parts([part], interrupted)
