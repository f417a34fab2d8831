"""The recipients of the demo: the example itself, and files that are none."""

from collections import Counter
from pathlib import Path

import pytest

from cli.demo.campaign import EXAMPLE, TEXT, job_body, read_recipients
from domain.content import render
from domain.recipients import InvalidRecipient, to_e164
from runtime.errors import InvalidInput


def test_the_example_has_a_thousand_recipients_and_some_invalid_phones() -> None:
    recipients = read_recipients(EXAMPLE)

    kinds = Counter(_is_phone(one.phone) for one in recipients)

    assert kinds == {True: 990, False: 10}
    assert all(render(TEXT, {"name": one.name, "order": one.order}) for one in recipients)


def test_a_job_carries_every_row_with_its_variables() -> None:
    recipients = read_recipients(EXAMPLE)

    body = job_body(recipients)

    assert len(body["recipients"]) == len(recipients)
    assert body["recipients"][0]["variables"].keys() == {"name", "order"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it names no recipient"),
        (b"name,phone\nAda,+16505550001\n", "no column 'order'"),
        (b"name,phone,order\n\xff\xfe,1,2\n", "utf-8"),
    ],
)
def test_a_file_that_is_no_campaign_is_refused_with_its_name(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)

    with pytest.raises(InvalidInput, match=problem) as refused:
        read_recipients(file)
    assert "people.csv" in str(refused.value)


def _is_phone(text: str) -> bool:
    try:
        to_e164(text)
    except InvalidRecipient:
        return False
    return True
