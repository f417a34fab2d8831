"""Bodies and answers of signing in, and of those who manage users (AU-01, IM-29, IM-30)."""

from schemas.http.envelope import Shape


class Ticket(Shape):
    """What opens one stream."""

    ticket: str
    expires_in_seconds: int
