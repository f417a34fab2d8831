"""What can be looked up: a number and the templates of the account (section 2.1)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from simulator.whatsapp.call import Call
from simulator.whatsapp.refusals import Refusal
from simulator.whatsapp.templates import Template
from simulator.wire import Answer
from simulator.world import World

_PAGE = 25
_LARGEST_PAGE = 100
_HIGH_RATE = 1000


async def phone_number(world: World, call: Call) -> Answer | Refusal:
    """GET /{phone-number-id}: display number, quality, throughput; `fields` chooses."""
    level = "HIGH" if call.knobs.wa_rate >= _HIGH_RATE else "STANDARD"
    known: dict[str, object] = {
        "id": call.sender,
        "display_phone_number": "+" + world.account.displays[call.sender],
        "verified_name": "Sendtrail Sandbox",
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
    }
    if fields := call.query.get("fields"):
        wanted = [name.strip() for name in fields.split(",")]
        if missing := [name for name in wanted if name not in known]:
            return Refusal(100, f"Tried accessing nonexisting field ({missing[0]})")
        known = {name: known[name] for name in ["id", *wanted]}
    return Answer(200, msgspec.json.encode(known))


async def message_templates(world: World, call: Call) -> Answer | Refusal:
    """GET /{waba-id}/message_templates: pages by `limit` and `after`; filters by name, status."""
    found = [
        template
        for template in world.account.templates.listed()
        if template.name == call.query.get("name", template.name)
        and template.status == call.query.get("status", template.status)
    ]
    try:
        size = min(int(call.query.get("limit", _PAGE)), _LARGEST_PAGE)
        start = _position(call.query.get("after"))
    except ValueError:
        return Refusal(100, "Invalid paging parameters.")
    page = found[start : start + size]
    body: dict[str, object] = {"data": [_shown(template) for template in page]}
    if page:
        end = start + len(page)
        paging: dict[str, object] = {"cursors": {"before": _cursor(start), "after": _cursor(end)}}
        if end < len(found):
            host = f"{call.path}?limit={size}&after={_cursor(end)}"
            paging["next"] = host
        body["paging"] = paging
    return Answer(200, msgspec.json.encode(body))


def _cursor(position: int) -> str:
    return urlsafe_b64encode(str(position).encode()).decode()


def _position(cursor: str | None) -> int:
    return int(urlsafe_b64decode(cursor)) if cursor else 0


def _shown(template: Template) -> dict[str, object]:
    body: dict[str, object] = {"type": "BODY", "text": template.body}
    if template.parameters:
        body["example"] = {"body_text": [[f"example {name}" for name in template.parameters]]}
    components = [*_header(template), body]
    if template.buttons or template.links:
        buttons = [{"type": "QUICK_REPLY", "text": text} for text in template.buttons]
        address = "https://shop.example/orders/{{1}}"
        buttons += [{"type": "URL", "text": text, "url": address} for text in template.links]
        components.append({"type": "BUTTONS", "buttons": buttons})
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "parameter_format": "NAMED" if template.is_named else "POSITIONAL",
        "components": components,
    }


def _header(template: Template) -> list[dict[str, object]]:
    if template.header is None:
        return []
    text = {"text": "News of {{1}}"} if template.header == "TEXT" else {}
    return [{"type": "HEADER", "format": template.header, **text}]
