"""A host built from host.cpp, and exported files of small untrained networks for it and others to play."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.utils.cpp_extension

HERE = Path(__file__).parent
RATE = 16000
SECONDS = 0.75
NEUTONE_TEXTS = {
    "name": "test",
    "authors": ["timbre"],
    "short_description": "A model that nobody trained.",
    "long_description": "A model that nobody trained.",
    "technical_description": "A model that nobody trained.",
    "tags": ["test"],
    "version": "1.0.0",
    "experimental": True,
}


def _build_with_cmake(folder: Path) -> None:
    configure = ["cmake", "-S", HERE, "-B", folder, f"-DCMAKE_PREFIX_PATH={torch.utils.cmake_prefix_path}"]
    for command in (configure, ["cmake", "--build", folder]):
        subprocess.run(command, check=True, capture_output=True, text=True)


def _build_with(compiler: str, folder: Path) -> None:
    """What CMakeLists.txt says, where there is no cmake."""
    includes = [part for path in torch.utils.cpp_extension.include_paths() for part in ("-isystem", path)]
    libraries = torch.utils.cpp_extension.library_paths()
    linked = [part for path in libraries for part in (f"-L{path}", f"-Wl,-rpath,{path}")]
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    flags = ["-std=c++20", "-O1", "-DAT_PER_OPERATOR_HEADERS", abi, "-pthread", "-o", folder / "host"]
    linked += ["-ltorch", "-ltorch_cpu", "-lc10"]
    subprocess.run(
        [compiler, HERE / "host.cpp", *flags, *includes, *linked], check=True, capture_output=True, text=True
    )


@pytest.fixture(scope="session")
def host_program(request) -> Path:
    """host.cpp, compiled against the installed torch and kept in pytest's cache for as long as both stay the same."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler is found (c++, g++, clang++ or $CXX)")
    sources = b"".join((HERE / name).read_bytes() for name in ("host.cpp", "CMakeLists.txt"))
    built_from = sources + f"{torch.__version__} {torch.utils.cmake_prefix_path} {compiler}".encode()
    folder = Path(request.config.cache.mkdir("hosts")) / hashlib.sha256(built_from).hexdigest()[:16]
    if not (folder / "host").exists():
        building = folder.with_name(f"{folder.name}.{os.getpid()}")
        building.mkdir()
        try:
            _build_with_cmake(building) if shutil.which("cmake") else _build_with(compiler, building)
        except subprocess.CalledProcessError as error:
            pytest.fail(f"host.cpp does not compile:\n{error.stdout}\n{error.stderr}")
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    return folder / "host"


@pytest.fixture(scope="session")
def host(host_program):
    """Gives a fresh host commands, each a line; returns its answers."""

    def run(commands: list[str]) -> list[dict]:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        text = "\n".join(commands) + "\n"
        done = subprocess.run([host_program], input=text, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@dataclass
class Exported:
    """A network, its file, and what it is to play."""

    network: torch.nn.Module
    path: Path
    audio: np.ndarray  # [channels, samples]
    offline: np.ndarray  # what the network makes of it in one go


def _sound(channels: int) -> np.ndarray:
    seconds = np.arange(round(SECONDS * RATE)) / RATE
    draw, sides = np.random.default_rng(0), []
    for side in range(channels):
        tone = np.sin(2 * np.pi * 220 * seconds * np.exp(0.3 * seconds) + side) * (np.sin(9 * seconds) > -0.7)
        sides.append(0.3 * tone + 0.03 * draw.standard_normal(len(seconds)))
    return np.stack(sides).astype(np.float32)


@pytest.fixture(scope="session")
def networks(tiny_network, band_network, rave_network):
    """Each kind of network that an export may hold, by name: makes an untrained one."""

    def some_dimensions(**changes):
        made = rave_network(**changes)
        made.latent_explained.copy_(torch.tensor([0.5, 0.8, 0.9, 0.99, 1.0]))
        made.keep(0.95)
        return made

    return {
        "ddsp": lambda: tiny_network(reverb_seconds=0.05),
        "noise_bands": band_network,
        "rave": some_dimensions,
        "rave_stereo": lambda: rave_network(channels=2, no_latency=False),
    }


@pytest.fixture(scope="session")
def exported(networks, tmp_path_factory):
    """By the name of a network: its TorchScript file, made once."""
    from timbre.export.archive import save_scripted
    from timbre.export.nn_tilde import scripted_for_nn_tilde
    from timbre.export.two_part_effect import effect_of

    made = {}

    def export(name: str) -> Exported:
        if name not in made:
            network = networks[name]()
            effect, audio = effect_of(network), _sound(network.channels)
            with torch.no_grad():
                offline = network(torch.from_numpy(audio)[None])[0].numpy()
            network.fold()
            path = tmp_path_factory.mktemp(name) / "model.ts"
            save_scripted(scripted_for_nn_tilde(effect), path)
            made[name] = Exported(network, path, audio, offline)
        return made[name]

    return export


@pytest.fixture(scope="session")
def neutone_exported(exported, tmp_path_factory):
    """By the name of a network: its Neutone file, made once, without the SDK's checks, which take half a minute."""
    from neutone_sdk import SampleQueueWrapper

    from timbre.export.archive import save_scripted
    from timbre.export.neutone.plugin_model import PluginModel

    made = {}

    def export(name: str) -> Exported:
        if name not in made:
            played = exported(name)
            wrapped = SampleQueueWrapper(PluginModel(played.network, NEUTONE_TEXTS))
            wrapped.prepare_for_inference()
            path = tmp_path_factory.mktemp(name) / "model.nm"
            save_scripted(torch.jit.script(wrapped), path)
            made[name] = Exported(played.network, path, played.audio, played.offline)
        return made[name]

    return export
