"""What the demo asks of the running services, over the same HTTP as anybody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import httpx

from schemas.http.previews import CONFIRM

ANSWERS_WITHIN = timedelta(seconds=30)
OPEN = ("pending", "sending", "sent")
"""Statuses in which a recipient still waits for an outcome."""


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """The scheduler's answer."""

    job_id: str
    total: int
    skipped: int
    """Recipients that cannot be written to."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, as the query API tells it."""

    total: int
    counts: Mapping[str, int]
    """Recipients by present status: pending, sending, sent, delivered, read, failed, skipped …"""

    @property
    def done(self) -> int:
        """Recipients that have reached a final or delivered state."""
        return self.total - self.open

    @property
    def open(self) -> int:
        """Recipients that have not."""
        settled = sum(count for status, count in self.counts.items() if status not in OPEN)
        return self.total - settled

    def reached(self) -> dict[str, int]:
        """Return how many messages are at each status or beyond it."""
        read = self.counts["read"]
        delivered = read + self.counts["delivered"]
        sent = delivered + self.counts["sent"]
        return {"sent": sent, "delivered": delivered, "read": read, "failed": self.counts["failed"]}


def login_body(wechat_id: str, password: str) -> dict[str, str]:
    """Return what `POST /api/auth/login` takes."""
    return {"wechatId": wechat_id, "password": password}


class Services:
    """The APIs of one running system. Every call may raise httpx.HTTPError."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        # A proxy from the environment cannot reach this machine's own addresses.
        self._client = httpx.Client(trust_env=False, timeout=ANSWERS_WITHIN.total_seconds())

    def sign_in(self, wechat_id: str, password: str) -> None:
        """Sign in; every further call is theirs."""
        url = f"{self._urls['administration']}/api/auth/login"
        said = self._told(self._client.post(url, json=login_body(wechat_id, password)))
        self._client.headers["Authorization"] = f"Bearer {said['token']}"

    def post_job(self, body: Mapping[str, Any]) -> AcceptedJob:
        """Hand the campaign over."""
        url = f"{self._urls['scheduler']}/api/v1/jobs"
        data = self._told(self._client.post(url, json=body))["data"]
        return AcceptedJob(data["jobId"], data["total"], data["skipped"])

    def progress(self, job_id: str) -> Progress:
        """Return how far it is."""
        url = f"{self._urls['status_projector']}/api/whatsapp/job-progress/{job_id}"
        said = self._told(self._client.get(url))["progress"]
        return Progress(said["total"], said["counts"])

    def statistics(self, job_id: str) -> dict[str, int]:
        """Return the live statistics of the job: how many reached each status."""
        url = f"{self._urls['statistics']}/api/v1/statistics/live"
        asked = {"window": "total", "by": "job", "id": job_id}
        rows = self._told(self._client.get(url, params=asked))["data"]
        # A job none of whose changes was counted yet has no row.
        return rows[0]["counts"] if rows else {}

    def confirm_preview(self, answer: Mapping[str, str]) -> None:
        """Answer a preview as its page would."""
        self._told(self._client.post(self._urls["ingest_webhook"] + CONFIRM, json=answer))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _told(answer: httpx.Response) -> dict[str, Any]:
        answer.raise_for_status()
        return answer.json()
