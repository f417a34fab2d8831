from typing import Any

import msgspec
import pytest

from schemas.http.jobs import CreateJob, JobCreated, JobOutcome

JOB: dict[str, Any] = {
    "name": "Spring",
    "channel": "whatsapp",
    "content": {"type": "text", "body": "Hi {name}"},
    "recipients": [{"phone": "+16505551234", "variables": {"name": "Ada"}}, {"phone": "?"}],
}


def test_a_job_keeps_rows_whose_values_are_wrong_so_that_they_can_be_told() -> None:
    job = msgspec.json.decode(msgspec.json.encode(JOB), type=CreateJob)

    assert [(row.phone, row.variables) for row in job.recipients] == [
        ("+16505551234", {"name": "Ada"}),
        ("?", {}),
    ]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", "x" * 101),
        ("channel", "telegraph"),
        ("content", "Hi"),
        ("priority", "urgent"),
        ("whenLimited", "hurry"),
        ("recipients", []),
        ("recipients", [{"phone": "+1", "colour": "red"}]),
        ("colour", "red"),
    ],
)
def test_what_is_wrong_with_a_job_names_the_field(field: str, wrong: object) -> None:
    body = msgspec.json.encode({**JOB, field: wrong})

    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(body, type=CreateJob)


def test_the_answers_are_in_camel_case() -> None:
    created = JobCreated(job_id="j", total=2, waiting=1, skipped=1)
    outcome = JobOutcome(success=True, message="Job cancelled")

    assert set(created.model_dump(by_alias=True)) == {"jobId", "total", "waiting", "skipped"}
    assert set(outcome.model_dump(by_alias=True)) == {"success", "message"}
