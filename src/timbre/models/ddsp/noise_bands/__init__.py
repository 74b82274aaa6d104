"""The DDSP of sounds without a pitch: a network plays narrow bands of noise (NoiseBandNet, arXiv 2307.08007)."""
