"""How long a proof goes on: a few rounds in every test run, many where `--prove` asks for them.

A proof is a test whose worth grows with its length: processes killed at random moments, random input, long simulations.
It has one body for both lengths. What is random in it comes from `dice`, whose seed the test run prints.
"""

import os
import random
from typing import TypeVar

_T = TypeVar("_T")
_SWITCH, _SEED = "PROVE", "PROVE_SEED"
RACES = 20
"""How often a test that is marked `race` is run."""


def begin(*, prove: bool, seed: int | None) -> None:
    """What the command line asked for. In the environment, since it is read where test modules are imported."""
    if prove:
        os.environ[_SWITCH] = "1"
        os.environ.setdefault(_SEED, str(random.SystemRandom().randrange(10**9)))
    if seed is not None:
        os.environ[_SEED] = str(seed)


def is_asked_for() -> bool:
    """`--prove` was given."""
    return _SWITCH in os.environ


def rounds(small: _T, large: _T) -> _T:
    """`small` in every test run, `large` under `--prove`: a number of rounds, of people, of seconds."""
    return large if is_asked_for() else small


def seed() -> int | None:
    """The seed of this run, or none where every proof uses its own."""
    return int(os.environ[_SEED]) if _SEED in os.environ else None


def dice(usual: int) -> random.Random:
    """Randomness that can be had again: from `usual` in every test run, from the printed seed under `--prove`."""
    given = seed()
    drawn = usual if given is None else given
    print(f"random numbers from seed {drawn}")
    return random.Random(drawn)


ROW = "| "
"""What a row of the table of proofs begins with, among what a test prints."""


def table(what: str, database: str, times: int, *, is_held: bool) -> None:
    """Print a row of the table of proofs: what was done, on which database, how often, and whether the promise held.

    The end of the test run shows all rows once more.
    """
    print(f"{ROW}{what} | {database} | {times} | {'held' if is_held else 'BROKEN'} |")
