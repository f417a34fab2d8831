"""Whatever the schema allows and `problem` lets pass, the provider takes; over real HTTP."""

from collections.abc import Generator
from dataclasses import dataclass

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.processes import stop_all
from deploy.simulated_provider import WORLD
from domain.outcomes import Accepted
from providers.whatsapp import payloads
from providers.whatsapp.checks import reason_against
from providers.whatsapp.template_listing import page_of
from providers.whatsapp.template_sync import changes
from providers.whatsapp.templates import TemplateBook
from schemas.topics.contents import Content
from schemas.topics.templates import TemplateContent
from tests.given import SENDER
from tests.providers.whatsapp import contents
from tests.providers.whatsapp.channels import a_channel, a_message
from tests.simulators import RunningSimulator, start_simulator

ACCOUNT = "102290129340398"
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""However busy the machine."""
RECIPIENTS = st.sampled_from(["+16505550001", "US.13491208655302741918"])


@dataclass(frozen=True, slots=True)
class Account:
    """The account at the simulator, called without anything of ours."""

    provider: RunningSimulator
    client: httpx.Client
    media_id: str

    def post(self, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return self.client.post(f"/{SENDER}/messages", content=body, headers=headers)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Generator[Account]:
    """Return an account with one uploaded file."""
    quick = {"SIM_PROFILE": "bench"}
    running = start_simulator(quick, tmp_path_factory.mktemp("simulator"))
    running.provider.set_knobs({"wa.rate": 0, "wa.pair": [0, 0], "net.slow_ms": [0, 0]})
    base_url = running.environment["WHATSAPP_API_BASE_URL"]
    headers = {"Authorization": f"Bearer {running.secrets.access_token}"}
    with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as client:
        form = {"messaging_product": "whatsapp", "type": "image/png"}
        file = {"file": ("a.png", b"the bytes", "image/png")}
        media_id = client.post(f"/{SENDER}/media", data=form, files=file).json()["id"]
        yield Account(running, client, media_id)
    stop_all([running.process])


@settings(PATIENT, max_examples=100)
@given(data=st.data())
def test_any_content_of_ours_is_a_body_that_the_provider_takes(
    account: Account, data: st.DataObject
) -> None:
    content: Content = data.draw(contents.plain(account.media_id))
    assert reason_against(content) is None
    message = a_message(
        content=content,
        recipient=data.draw(RECIPIENTS),
        reply_to=data.draw(st.sampled_from([None, "wamid.asked"])),
    )

    answer = account.post(payloads.build(message))

    assert answer.status_code == 200, answer.text


@settings(PATIENT, max_examples=50)
@given(data=st.data())
def test_a_template_that_is_filled_in_as_listed_is_taken(
    account: Account, data: st.DataObject
) -> None:
    use, template = data.draw(contents.templates(account.media_id))
    book = book_with(account, template)

    assert reason_against(use) is None
    assert book.problem(use) is None
    answer = account.post(payloads.build(a_message(content=use)))
    assert answer.status_code == 200, answer.text


@settings(PATIENT, max_examples=50)
@given(data=st.data())
def test_what_the_book_lets_pass_the_provider_takes_whatever_it_was_meant_for(
    account: Account, data: st.DataObject
) -> None:
    drawn = contents.templates(account.media_id)
    (_, template), (use, _) = data.draw(drawn), data.draw(drawn)
    use = msgspec.structs.replace(use, language=template["language"])
    book = book_with(account, template)

    refused = book.problem(use)

    answer = account.post(payloads.build(a_message(content=use)))
    # The book is stricter only about buttons that a template does not have.
    if refused is None or "no button of type" not in (refused.detail or ""):
        assert (answer.status_code == 200) == (refused is None), (answer.text, refused)


async def test_a_user_id_is_written_to_through_the_channel(account: Account) -> None:
    url = account.provider.environment["WHATSAPP_API_BASE_URL"]
    async with a_channel(url, token=account.provider.secrets.access_token) as channel:
        recipient = channel.address("US.13491208655302741918")
        reply = await channel.send(a_message(recipient=recipient))

    assert isinstance(reply, Accepted)


def book_with(account: Account, template: dict[str, object]) -> TemplateBook:
    """Return a book that was filled from the account's own list."""
    control = account.provider.provider.url + WORLD
    account.client.put(f"{control}/templates", json=template).raise_for_status()
    page = page_of(account.client.get(f"/{ACCOUNT}/message_templates").content)
    assert page is not None
    book = TemplateBook()
    book.fill(changes({}, page.listed))
    assert book.problem(TemplateContent(name="of_nobody")) is not None
    return book
