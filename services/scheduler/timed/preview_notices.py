"""The service notification that asks somebody to look at a preview (PV-01, PV-02, PV-14, CF-27)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.content import render
from domain.identity import message_id_for_preview
from domain.tasks import PushContent
from runtime.signed_links import token_for
from schemas.http.previews import PROMPT, PreviewLink
from schemas.topics.contents import NotificationContent, words_of
from schemas.topics.send_requests import SendRequested
from services.scheduler.store.previews import PreviewedTask
from services.scheduler.timed.rendering import message_of

_WITHOUT_WORDS: Final = "[图片]"
_CHANNEL: Final = "wechat"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is asked."""

    name: str
    """As the caller named them."""
    openid: str


def local(task: PreviewedTask) -> str:
    """Return when the task is due, on its own clock."""
    return f"{task.schedule_time.astimezone(ZoneInfo(task.timezone)):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Notifier:
    """Writes the notifications of one mini-program."""

    app_id: str
    template_id: str
    data: Mapping[str, str]
    """Values by the template's keys; they may hold `{taskName}`, `{text}`, `{time}`, `{prompt}`."""
    page: str
    """A page of the mini-program, with `{token}`."""
    link_key: bytes
    link_lasts: timedelta

    def notices(
        self,
        preview_id: str,
        task: PreviewedTask,
        content: PushContent,
        recipients: tuple[Recipient, ...],
        now: datetime,
        *,
        form: str | None = None,
    ) -> list[SendRequested]:
        """Return one for each recipient; asked again, the same messages."""
        data = self._data(task, content, form)
        until = now + self.link_lasts
        return [
            SendRequested(
                message_id=message_id_for_preview(preview_id, recipient.openid),
                channel=_CHANNEL,
                sender_id=self.app_id,
                recipient=recipient.openid,
                content=NotificationContent(
                    template_id=self.template_id,
                    data=data,
                    page=self._page(preview_id, task, recipient, until),
                ),
                requested_at=now,
                # Somebody waits for it (TP-04).
                priority="high",
                expires_at=until,
                tenant_id=task.tenant_id,
            )
            for recipient in recipients
        ]

    def _data(self, task: PreviewedTask, content: PushContent, form: str | None) -> dict[str, str]:
        # What the group will read, by the one path that pushes take, too (PV-14).
        said = words_of(message_of(content, form=form))
        values = {
            "taskName": task.name,
            "text": said or _WITHOUT_WORDS,
            "time": local(task),
            "prompt": PROMPT,
        }
        return {key: render(value, values) for key, value in self.data.items()}

    def _page(
        self, preview_id: str, task: PreviewedTask, recipient: Recipient, until: datetime
    ) -> str:
        link = PreviewLink(
            preview_id, task.task_id, task.name, _CHANNEL, self.app_id, recipient.openid
        )
        return render(self.page, {"token": token_for(link, until=until, key=self.link_key)})
