"""Values that nobody may see: their text is stars wherever it is printed by mistake."""

from __future__ import annotations

from collections.abc import Iterable

STARS = "***"


class Secret:
    """A password or a token. `reveal` is the one way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, to be sent and for nothing else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


NO_SECRET = Secret("")


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """A text in which stars stand for every secret: a registry may send back what it was sent."""
    for secret in sorted(secrets, key=lambda secret: -len(secret.reveal())):
        if secret:
            text = text.replace(secret.reveal(), STARS)
    return text
