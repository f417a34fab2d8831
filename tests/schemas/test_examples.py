from typing import get_args

import msgspec
import pytest

from schemas.generate.contracts import EXAMPLES, Contract, contracts
from schemas.generate.json_schemas import schema_of
from schemas.topics.provider_events import DispatchEvent
from tests.schemas.records import CONTRACTS
from tests.schemas.validity import problems

every_contract = pytest.mark.parametrize("contract", contracts(), ids=lambda c: c.name)


def test_every_record_type_has_one_example_and_every_example_a_record_type() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(CONTRACTS)


@every_contract
def test_an_example_is_decoded_and_encoded_without_loss(contract: Contract) -> None:
    topic = contract.entry.topic

    record = topic.decode(contract.example_bytes)

    assert type(record) is contract.model
    assert msgspec.json.decode(msgspec.json.encode(record)) == contract.example
    assert topic.decode(msgspec.json.encode(record)) == record


@every_contract
def test_an_example_is_valid_under_its_published_schema(contract: Contract) -> None:
    schema = schema_of(contract.model, "x")

    assert problems(schema, contract.example) == []


@every_contract
def test_an_example_without_a_required_field_is_not_valid(contract: Contract) -> None:
    schema = schema_of(contract.model, "x")

    for field in schema["required"]:
        rest = {name: value for name, value in contract.example.items() if name != field}
        assert problems(schema, rest) == [f"$: '{field}' is a required property"]


def test_on_provider_events_it_is_known_who_writes_what() -> None:
    writers = {contract.model: contract.written_by for contract in contracts()}

    assert all(writers[model] == ("dispatcher",) for model in get_args(DispatchEvent))
    assert CONTRACTS["status-reported"].written_by == ("ingest_webhook", "dispatcher")
    assert CONTRACTS["status-changed"].written_by == ("status_projector",)
