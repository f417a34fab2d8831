"""Which path of the control plane is served by what, and what a wrong order is answered with."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.control import orders, tencent_orders, views, wecom_orders, whatsapp_orders
from simulator.control.stage import NoSuchThingError, Stage
from simulator.knobs import KnobError

Handler = Callable[[Stage, Request], Awaitable[dict[str, object]]]

_WORLD = "/_sim/worlds/default"
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/_sim/health", views.health),
    ("GET", f"{_WORLD}/knobs", views.show_knobs),
    ("PATCH", f"{_WORLD}/knobs", orders.set_knobs),
    ("PUT", f"{_WORLD}/profile", orders.set_profile),
    ("POST", f"{_WORLD}/reset", orders.reset),
    ("GET", f"{_WORLD}/rules", views.show_rules),
    ("POST", f"{_WORLD}/rules", orders.add_rule),
    ("DELETE", f"{_WORLD}/rules/{{rule_id:int}}", orders.remove_rule),
    ("POST", f"{_WORLD}/clock", orders.set_clock),
    ("POST", f"{_WORLD}/inbound", whatsapp_orders.write_inbound),
    ("POST", f"{_WORLD}/events", whatsapp_orders.announce_event),
    ("POST", f"{_WORLD}/media", whatsapp_orders.keep_file),
    ("POST", f"{_WORLD}/messages/{{message_id:path}}/status", whatsapp_orders.set_status),
    ("POST", f"{_WORLD}/messages/{{message_id:path}}/tap", whatsapp_orders.tap_choice),
    ("POST", f"{_WORLD}/wecom/inbound", tencent_orders.write_member),
    ("POST", f"{_WORLD}/wecom/clicks", tencent_orders.click_card),
    ("POST", f"{_WORLD}/wecom/kf", tencent_orders.ask_desk),
    ("POST", f"{_WORLD}/wecom/events", tencent_orders.announce_wecom),
    ("POST", f"{_WORLD}/wecom/media", tencent_orders.keep_file),
    ("POST", f"{_WORLD}/wecom/token", tencent_orders.end_token),
    ("GET", f"{_WORLD}/wecom/group_sends", wecom_orders.show_group_sends),
    ("POST", f"{_WORLD}/wecom/group_sends/{{msgid}}/confirm", wecom_orders.confirm),
    ("POST", f"{_WORLD}/wecom/unfriend", wecom_orders.unfriend),
    ("POST", f"{_WORLD}/wechat/inbound", tencent_orders.write_user),
    ("POST", f"{_WORLD}/wechat/events", tencent_orders.announce_wechat),
    ("PUT", f"{_WORLD}/{{channel}}/callback", tencent_orders.set_callback),
    ("POST", f"{_WORLD}/{{channel}}/verification", tencent_orders.verify_callback),
    ("POST", f"{_WORLD}/{{channel}}/hostile", tencent_orders.push_hostile),
    ("PUT", f"{_WORLD}/callback", orders.set_callback),
    ("POST", f"{_WORLD}/token", orders.renew_token),
    ("PUT", f"{_WORLD}/templates", orders.put_template),
    ("POST", f"{_WORLD}/flush", orders.flush),
    ("POST", f"{_WORLD}/replay", orders.replay),
    ("GET", f"{_WORLD}/ledger", views.show_counts),
    ("GET", f"{_WORLD}/ledger/accepted", views.show_accepted),
    ("GET", f"{_WORLD}/ledger/calls", views.show_calls),
    ("GET", f"{_WORLD}/ledger/messages", views.show_messages),
    ("GET", f"{_WORLD}/ledger/callbacks", views.show_callbacks),
    ("GET", f"{_WORLD}/verify", views.verify),
)


def control_plane(stage: Stage) -> Starlette:
    """Return the application under /_sim."""

    async def show_page(request: Request) -> Response:
        del request
        return HTMLResponse(views.page())

    async def show_metrics(request: Request) -> Response:
        del request
        return PlainTextResponse(views.metrics(stage))

    routes = [
        Route(path, _endpoint(stage, handler), methods=[method])
        for method, path, handler in _ROUTES
    ]
    routes += [Route("/_sim/", show_page), Route("/_sim/metrics", show_metrics)]
    return Starlette(routes=routes)


def _endpoint(stage: Stage, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return _json(200, await handler(stage, request))
        except NoSuchThingError as error:
            return _json(404, {"error": str(error)})
        except (KnobError, msgspec.MsgspecError, ValueError) as error:
            return _json(422, {"error": str(error)})

    return serve


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
