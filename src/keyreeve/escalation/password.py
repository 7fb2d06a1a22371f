"""Generated passwords that meet the account's password policy (aws-facts E2)."""

from __future__ import annotations

from typing import Protocol

from keyreeve.model.snapshot import PasswordPolicy

UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
LOWER = "abcdefghijkmnopqrstuvwxyz"
DIGITS = "23456789"
SYMBOLS = "!@#$%^&*()_+-=[]{}"
"""IAM's own list, less the characters that confuse a reader or a CSV."""
MINIMUM = 20
MAXIMUM = 128


class Dice(Protocol):
    """What a password is thrown with; `secrets.SystemRandom` in production."""

    def choice(self, seq: str, /) -> str:
        """One character."""

    def shuffle(self, x: list[str], /) -> None:
        """In place."""


def generate(policy: PasswordPolicy, dice: Dice) -> str:
    """A password of at least 20 characters, or the policy's minimum, of all four classes.

    All classes are always used, so every combination of the policy's demands is met.
    """
    length = min(max(MINIMUM, policy.minimum_length), MAXIMUM)
    classes = (UPPER, LOWER, DIGITS, SYMBOLS)
    characters = [dice.choice(group) for group in classes]
    everything = "".join(classes)
    characters.extend(dice.choice(everything) for _ in range(length - len(classes)))
    dice.shuffle(characters)
    # A leading sign would be read as a formula by whoever opens the CSV in a spreadsheet.
    first = next(i for i, c in enumerate(characters) if c.isalpha())
    characters[0], characters[first] = characters[first], characters[0]
    return "".join(characters)
