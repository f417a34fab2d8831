"""What is asked and answered of starting a push by hand (TP-15)."""

from pydantic import Field

from schemas.http.envelope import Shape


class StartPush(Shape):
    """Which task is to be pushed now."""

    task_id: str = Field(min_length=1, max_length=36)


class PushStarted(Shape):
    """It has begun; what becomes of it is asked for by its id (TP-16)."""

    message: str = "Push started"
    push_id: str
