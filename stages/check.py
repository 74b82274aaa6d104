"""Check params.yaml as a whole, before any work starts."""

import _here  # noqa: F401
from timbre.errors import stage_main
from timbre.params import load


def main() -> None:
    """Read params.yaml; say what is chosen or what is wrong with it."""
    params = load()
    print(f"check: params.yaml is sound: {params.model} {params.size}, recordings in {params.data.raw}.")


if __name__ == "__main__":
    stage_main(main)
