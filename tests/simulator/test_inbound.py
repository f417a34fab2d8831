"""What users and Meta say by command: every type of WA 9, every notice of WA 10."""

import pytest

from simulator.whatsapp.examples import ACCOUNT_EVENTS
from tests.eventually import eventually, seconds
from tests.simulator.product import NUMBER, OTHER_NUMBER, READER, SOMEONE, Json, Product

USER = READER[1:]
TYPES = (
    *("text", "image", "video", "audio", "document", "sticker", "location", "contacts"),
    *("button", "interactive", "reaction", "order", "unsupported", "edit", "revoke", "hologram"),
)


async def written(product: Product, **order: object) -> Json:
    """Let a user write; return the change that tells of it."""
    reply = await product.order("POST", "inbound", {"from": READER, **order})
    assert reply.status == 200, reply.body
    await product.order("POST", "flush")
    return product.taken[-1].changes[0]["value"]


async def announced(product: Product, **order: object) -> Json:
    """Let Meta tell of something; return the entry."""
    reply = await product.order("POST", "events", order)
    assert reply.status == 200, reply.body
    await product.order("POST", "flush")
    assert reply.body["told"] in (await callbacks(product))[-1]["message_ids"]
    return product.taken[-1].json["entry"][0]


async def callbacks(product: Product) -> list[Json]:
    return (await product.order("GET", "ledger/callbacks")).body["items"]


@pytest.mark.parametrize("kind", TYPES)
async def test_a_user_may_send_every_type_without_saying_what(product: Product, kind: str) -> None:
    value = await written(product, type=kind, text="👍")

    [message] = value["messages"]
    assert message["type"] == kind
    assert kind in message
    assert (message["from"], value["contacts"][0]["wa_id"]) == (USER, USER)
    assert ("errors" in message) == (kind == "unsupported")


async def test_a_medium_comes_with_its_extras(product: Product) -> None:
    document = (await written(product, type="document", text="the offer"))["messages"][0]
    voice = (await written(product, type="audio"))["messages"][0]

    assert document["document"]["caption"] == "the offer"
    assert document["document"]["filename"].endswith(".pdf")
    assert voice["audio"]["voice"] is True
    assert voice["audio"]["mime_type"] == "audio/ogg; codecs=opus"


async def test_a_changed_number_comes_without_a_contact(product: Product) -> None:
    value = await written(product, type="system", text="16505550002")

    assert "contacts" not in value
    system = value["messages"][0]["system"]
    assert (system["type"], system["wa_id"]) == ("user_changed_number", "16505550002")


async def test_context_referral_group_and_errors_stand_where_they_belong(product: Product) -> None:
    value = await written(
        product,
        text="hello",
        context={"frequently_forwarded": True},
        referral=True,
        group_id="120363012345678901",
        errors=[{"code": 131052}],
    )

    [message] = value["messages"]
    assert message["context"] == {"frequently_forwarded": True}
    assert message["referral"]["source_type"] == "ad"
    assert message["group_id"] == "120363012345678901"
    assert message["errors"] == [{"code": 131052}]


async def test_a_reaction_names_its_message_and_is_taken_back_without_an_emoji(
    product: Product,
) -> None:
    given = await written(product, type="reaction", text="👍", context="wamid.a")
    taken_back = await written(product, type="reaction", context="wamid.a")

    assert given["messages"][0]["reaction"] == {"message_id": "wamid.a", "emoji": "👍"}
    assert taken_back["messages"][0]["reaction"] == {"message_id": "wamid.a"}


async def test_a_user_whose_number_is_hidden_has_an_id_in_its_place(product: Product) -> None:
    await product.knobs(wa_username_users=1)

    value = await written(product, text="hello", username="ada")
    reply = await product.send(SOMEONE)
    statuses = await product.until_told(reply.message_id, "sent", "delivered", "read")

    [message], [contact] = value["messages"], value["contacts"]
    assert "from" not in message
    assert message["from_user_id"] == contact["user_id"]
    assert "wa_id" not in contact
    assert contact["profile"]["username"] == "ada"
    assert all("recipient_id" not in status for status in statuses)
    assert len({status["recipient_user_id"] for status in statuses}) == 1


async def test_a_user_may_be_known_by_id_alone(product: Product) -> None:
    user = "US.13491208655302741918"

    value = await written(product, **{"from": user, "text": "hello"})

    assert value["messages"][0]["from_user_id"] == user
    assert "wa_id" not in value["contacts"][0]


async def test_a_button_of_a_template_returns_the_payload_it_was_sent_with(
    product: Product,
) -> None:
    template = {"name": "preview", "body": "Ready?", "parameters": [], "buttons": ["确认", "修改"]}
    await product.order("PUT", "templates", template)
    payload = {"type": "payload", "payload": "confirm-7"}
    button = {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [payload]}
    use = {"name": "preview", "language": {"code": "en"}, "components": [button]}
    sent = await product.send(READER, type="template", text=None, template=use)

    for choice in ("确认", "修改"):
        await product.order("POST", f"messages/{sent.message_id}/tap", {"choice": choice})
    await product.order("POST", "flush")

    taps = [message for taken in product.taken for message in taken.messages]
    assert [tap["button"] for tap in taps] == [
        {"payload": "confirm-7", "text": "确认"},
        {"payload": "修改", "text": "修改"},
    ]
    assert {tap["context"]["id"] for tap in taps} == {sent.message_id}


async def test_a_reply_button_and_a_row_return_their_ids(product: Product) -> None:
    buttons = {"buttons": [{"type": "reply", "reply": {"id": "b1", "title": "Yes"}}]}
    rows = {
        "button": "Choose",
        "sections": [{"rows": [{"id": "r1", "title": "Blue", "description": "As the sky"}]}],
    }
    answers: list[Json] = []
    for kind, action, choice in (("button", buttons, "b1"), ("list", rows, "Blue")):
        interactive = {"type": kind, "action": action, "body": {"text": "Which?"}}
        sent = await product.send(READER, type="interactive", text=None, interactive=interactive)
        await product.order("POST", f"messages/{sent.message_id}/tap", {"choice": choice})
        unknown = {"choice": "Green"}
        missing = await product.order("POST", f"messages/{sent.message_id}/tap", unknown)
        assert missing.status == 404
    await product.order("POST", "flush")

    answers = [message["interactive"] for taken in product.taken for message in taken.messages]
    row = {"id": "r1", "title": "Blue", "description": "As the sky"}
    assert answers == [
        {"type": "button_reply", "button_reply": {"id": "b1", "title": "Yes"}},
        {"type": "list_reply", "list_reply": row},
    ]


@pytest.mark.parametrize("field", [*ACCOUNT_EVENTS, "future_notices"])
async def test_an_account_event_has_its_time_and_an_entry_of_its_own(
    product: Product, field: str
) -> None:
    entry = await announced(product, field=field, value={"extra": [1]})

    [change] = entry["changes"]
    assert change["field"] == field
    assert change["value"]["extra"] == [1]
    assert isinstance(entry["time"], int)


async def test_a_template_that_is_paused_by_command_cannot_be_sent(product: Product) -> None:
    await announced(product, field="message_template_status_update", event="PAUSED")
    use = {
        "name": "order_status_update",
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "A"} for _ in range(2)]}
        ],
    }

    refused = await product.send(SOMEONE, type="template", text=None, template=use)
    await announced(product, field="message_template_status_update", event="REINSTATED")
    sent = await product.send(SOMEONE, type="template", text=None, template=use)

    assert (refused.code, sent.status) == (132015, 200)


async def test_echoes_and_history_tell_of_messages_that_nobody_sent_to_us(
    product: Product,
) -> None:
    echo = await announced(product, field="smb_message_echoes", to=OTHER_NUMBER, text="by hand")
    history = await announced(product, field="history")

    [change] = echo["changes"]
    value = change["value"]
    assert (change["field"], "time" in echo) == ("smb_message_echoes", False)
    assert value["metadata"]["phone_number_id"] == OTHER_NUMBER
    [echoed] = value["message_echoes"]
    assert (echoed["from"], echoed["to"]) == ("15550783882", USER)
    assert echoed["text"] == {"body": "by hand"}
    [thread] = history["changes"][0]["value"]["history"][0]["threads"]
    assert [message["from"] for message in thread["messages"]] == [USER, "15550783881"]


async def test_preferences_and_errors_of_the_account_name_the_number(product: Product) -> None:
    stop = await announced(product, field="user_preferences", event="stop")
    errors = await announced(product, field="messages")

    [preference] = stop["changes"][0]["value"]["user_preferences"]
    assert (preference["wa_id"], preference["value"]) == (USER, "stop")
    value = errors["changes"][0]["value"]
    assert value["errors"][0]["code"] == 4
    assert value["metadata"]["phone_number_id"] == NUMBER


async def test_statuses_and_notices_share_a_post_but_not_an_entry(product: Product) -> None:
    await product.knobs(wa_batch_max=10, wa_webhook_burst=3600, wa_mixed_batch=True)

    await product.order("POST", "inbound", {"from": READER, "text": "hello"})
    await product.order("POST", "events", {"field": "account_update"})
    await product.order("POST", "events", {"field": "smb_message_echoes"})
    await product.order("POST", "flush")

    [taken] = product.taken
    numbers, account = taken.json["entry"]
    assert [change["field"] for change in numbers["changes"]] == ["messages", "smb_message_echoes"]
    assert [change["field"] for change in account["changes"]] == ["account_update"]
    assert ("time" in numbers, "time" in account) == (False, True)
    assert "statuses" not in account["changes"][0]["value"]


async def test_odd_statuses_say_nothing_about_the_true_life(product: Product) -> None:
    await product.knobs(wa_odd_statuses=1)
    for number in range(8):
        await product.send(f"+1491511234567{number}")

    def odd_ones() -> bool:
        told = {status["status"] for taken in product.taken for status in taken.statuses}
        return told == {"sent", "delivered", "read", "played", "warning", "deleted"}

    await eventually(odd_ones, within=seconds(5))
    await product.order("POST", "flush")
    assert (await product.verdict())["final"] == {"read": 8}


async def test_a_person_may_order_an_odd_status_and_one_of_a_group(product: Product) -> None:
    sent = await product.send("+16505557200")
    path = f"messages/{sent.message_id}/status"

    await product.order("POST", path, {"status": "played"})
    group = {"status": "delivered", "group_id": "1203630", "participant": "16505550002"}
    reply = await product.order("POST", path, group)
    await product.order("POST", "flush")

    played, delivered = product.told(sent.message_id)
    assert reply.body == {"status": "accepted"}
    assert played["status"] == "played"
    assert (delivered["recipient_id"], delivered["recipient_type"]) == ("1203630", "group")
    assert delivered["recipient_participant_id"] == "16505550002"


@pytest.mark.parametrize(
    ("version", "model", "has_type", "has_conversation"),
    [(20, "CBP", False, True), (23, "PMP", True, True), (24, "PMP", True, False)],
)
async def test_prices_have_the_shape_of_their_version(
    product: Product, version: int, model: str, *, has_type: bool, has_conversation: bool
) -> None:
    await product.knobs(wa_payload_version=version)

    reply = await product.send(SOMEONE)

    sent, *_ = await product.until_told(reply.message_id, "sent", "delivered", "read")
    assert sent["pricing"]["pricing_model"] == model
    assert ("type" in sent["pricing"], "conversation" in sent) == (has_type, has_conversation)
