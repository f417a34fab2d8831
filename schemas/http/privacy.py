"""What is answered to whoever has a person forgotten (IM-46)."""

from schemas.http.envelope import Shape
from schemas.http.trail import Instant


class Erased(Shape):
    """What was forgotten. Nothing here says whose it was."""

    success: bool = True
    erasure_id: str
    erased_at: Instant
    deleted: dict[str, int]
    """How many rows of each table were about the person, and how many files."""
