"""Every endpoint asks who calls, or stands here with the reason why it does not (AU-02, AU-05)."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute

from cli.openapi import APPLICATIONS
from runtime.auth import Guard
from tests.architecture.tree import SERVICES, files

OPEN = {
    "/healthz": "probes have no account",
    "/readyz": "the same",
    "/metrics": "Prometheus has none either; the proxy keeps strangers from it",
    "/api/auth/login": "nobody is anybody before it",
    "/api/whatsapp/webhook": "callbacks carry the provider's signature (AU-05)",
    "/api/v1/webhooks/whatsapp/status": "the same",
    "/api/v1/webhooks/wecom": "the same",
    "/api/v1/webhooks/wechat": "the same",
    "/api/preview/answer": "its link is signed, and its reader has no account (AU-04)",
    "/api/preview/confirm": "the same",
    "/api/preview/content": "the same",
    "/api/preview/picture": "the same",
    "/api/feedback/form": "the same",
    "/api/feedback": "the same, to give it; what was given is read by whoever may view tasks",
}

PAGES = {"/docs", "/docs/oauth2-redirect", "/redoc"}
"""What they show is published in schemas/generated as well (AU-05)."""

# Its caller is asked for in its body: an exception is the one way to refuse a handshake.
SOCKETS = {"/api/v1/im/ws"}


def test_every_service_with_an_api_is_looked_at() -> None:
    assert set(SERVICES) - set(APPLICATIONS) == {"dispatcher", "fetcher"}


@pytest.mark.parametrize("service", APPLICATIONS)
def test_every_endpoint_asks_who_calls(service: str) -> None:
    app = APPLICATIONS[service]()

    unguarded = {
        path
        for path, methods in app.openapi()["paths"].items()
        for method in methods.values()
        if not method.get("security")
    }

    assert unguarded <= set(OPEN)
    assert not (unguarded & {path for path, _ in guarded(app)})


def test_no_endpoint_is_listed_as_open_that_is_none() -> None:
    paths = {path for build in APPLICATIONS.values() for path in build().openapi()["paths"]}

    assert set(OPEN) <= paths


@pytest.mark.parametrize("service", APPLICATIONS)
def test_endpoints_that_stand_in_no_document_ask_as_well(service: str) -> None:
    app = APPLICATIONS[service]()

    hidden = {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    }
    sockets = {route.path for route in app.routes if isinstance(route, APIWebSocketRoute)}

    assert hidden - {path for path, _ in guarded(app)} <= PAGES
    assert sockets <= SOCKETS


def test_sockets_ask_before_they_accept() -> None:
    asking = [
        path
        for path in files("services")
        if "websocket(" in path.read_text() and "socket_caller(" not in path.read_text()
    ]

    assert asking == []


def test_only_the_guard_reads_tokens() -> None:
    readers = [path for path in files("services") if "import jwt" in path.read_text()]

    assert readers == []


def guarded(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield the routes with a dependency of the guard's."""
    for route in app.routes:
        if isinstance(route, APIRoute) and any(
            getattr(needed.call, "__module__", "") == Guard.__module__
            for needed in route.dependant.dependencies
        ):
            yield route.path, route
