"""Whether a password is right: argon2id, a few at a time, and as slow for nobody as for anybody."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
"""Characters; no other rule makes passwords better (NIST SP 800-63B)."""
LONGEST: Final = 256

AT_ONCE: Final = 2
"""Each takes 64 MB for a moment."""


class Passwords:
    """Makes and checks hashes; one for each process."""

    def __init__(self) -> None:
        # RFC 9106's second choice, which is the library's: 64 MB, three passes.
        self._hasher = PasswordHasher()
        self._nobodys = self._hasher.hash("a password that nobody has")
        self._turns = asyncio.Semaphore(AT_ONCE)

    def hashed(self, password: str) -> str:
        """Return what is stored. Takes some 50 ms of a core."""
        return self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """Return what is stored, beside the loop."""
        async with self._turns:
            return await asyncio.to_thread(self.hashed, password)

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Return whether it is the one; without a stored one it takes the same, and is not."""
        async with self._turns:
            right = await asyncio.to_thread(self._verified, stored or self._nobodys, password)
        return right and stored is not None

    def _verified(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
