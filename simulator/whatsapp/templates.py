"""Which templates the account has and how a use of one must look (fact sheet, 2.2 and 3.4)."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from simulator.whatsapp.bodies import Component, Parameter, TemplateUse
from simulator.whatsapp.refusals import Refusal

_LONGEST_BODY = 1024
_BODY_TYPES = frozenset({"text", "currency", "date_time"})


class Template(Struct, kw_only=True, forbid_unknown_fields=True):
    """A template as the account owns it."""

    name: str
    language: str = "en"
    status: str = "APPROVED"
    category: str = "UTILITY"
    body: str
    parameters: list[str]
    """Names of the body's parameters, or "1", "2" ... when they are positional."""
    header: Literal["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"] | None = None
    """What is filled into its header; none: it has none."""
    buttons: list[str] = []
    """Texts of its quick replies."""
    links: list[str] = []
    """Texts of its links, after the quick replies; the end of each address is filled in."""
    id: str = ""

    @property
    def is_named(self) -> bool:
        """Whether every parameter must carry its name."""
        return any(not name.isdigit() for name in self.parameters)


def start_state() -> list[Template]:
    """Return the two approved templates of section 1 (start state)."""
    return [
        Template(
            id="1689556908129832",
            name="order_status_update",
            body="Your order {{1}} is now: {{2}}.",
            parameters=["1", "2"],
        ),
        Template(
            id="1689556908129833",
            name="appointment_reminder",
            body="Your appointment is on {{1}} for {{2}}.",
            parameters=["1", "2"],
        ),
    ]


class Templates:
    """The account's templates by name and language."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Template] = {}
        for template in start_state():
            self.put(template)

    def put(self, template: Template) -> Template:
        """Add or replace a template."""
        if not template.id:
            template.id = str(1689556908129834 + len(self._all))
        self._all[template.name, template.language] = template
        return template

    def listed(self) -> list[Template]:
        """Return all templates in the order in which they were added."""
        return list(self._all.values())

    def find(self, use: TemplateUse) -> Template | None:
        """Return the template that is meant; `en` and `en_US` differ."""
        return self._all.get((use.name, use.language.code))

    def refusal_of(self, use: TemplateUse) -> Refusal | None:
        """Check a use in the order of section 2.2, step 9."""
        template = self.find(use)
        if template is None:
            name, code = use.name, use.language.code
            return Refusal(132001, f"template name ({name}) does not exist in {code}")
        blocked = {"PAUSED": 132015, "DISABLED": 132016}.get(template.status)
        if blocked:
            return Refusal(blocked, f"template ({use.name}) is {template.status.lower()}")
        if template.status != "APPROVED":
            return Refusal(132001, f"template ({use.name}) is not approved")
        parts = use.components
        return (
            _parameters_refused(template, _parameters(parts, "body"))
            or _header_refused(template, _parameters(parts, "header"))
            or _links_refused(template, parts)
        )


def _parameters(components: list[Component], kind: str) -> list[Parameter]:
    return [item for part in components if part.type == kind for item in part.parameters]


def _header_refused(template: Template, given: list[Parameter]) -> Refusal | None:
    if template.header in {None, "TEXT"}:
        expected = int(template.header is not None)
        if len(given) != expected:
            text = f"header: number of localizable_params ({len(given)}) does not match the"
            return Refusal(132000, f"{text} expected number of params ({expected})")
    if template.header is None:
        return None
    received = given[0].type if given else "unknown"
    if received != template.header.lower() or getattr(given[0], received) is None:
        text = f"expected {template.header}, received {received.upper()}"
        return Refusal(132012, f"header: Format mismatch, {text}")
    return None


def _links_refused(template: Template, parts: list[Component]) -> Refusal | None:
    filled = {
        int(part.index or 0): part
        for part in parts
        if part.type == "button" and part.sub_type == "url" and part.parameters
    }
    first = len(template.buttons)
    for place in range(first, first + len(template.links)):
        if place not in filled:
            text = f"Button at index {place} of type Url requires a parameter"
            return Refusal(131008, f"buttons: {text}")
    if len(filled) > len(template.links):
        return Refusal(132000, "buttons: a parameter for a button that takes none")
    return None


Flaw = Callable[[Template, list[Parameter]], bool]


def _has_foreign_type(template: Template, given: list[Parameter]) -> bool:
    del template
    return any(item.type not in _BODY_TYPES for item in given)


def _has_empty_text(template: Template, given: list[Parameter]) -> bool:
    del template
    return any(not getattr(item, item.type) for item in given)


def _has_wrong_names(template: Template, given: list[Parameter]) -> bool:
    names = {item.parameter_name for item in given}
    return names != set(template.parameters) if template.is_named else names - {None} != set()


def _is_too_long(template: Template, given: list[Parameter]) -> bool:
    return len(template.body) + sum(len(item.text or "") for item in given) > _LONGEST_BODY


_FLAWS: tuple[tuple[Flaw, Refusal], ...] = (
    (_has_foreign_type, Refusal(132012, "body: parameter type not allowed")),
    (_has_empty_text, Refusal(131008, "body: parameter is missing its value")),
    (_has_wrong_names, Refusal(132012, "body: parameter names do not match the template")),
    (_is_too_long, Refusal(132005, "Translated text too long")),
)


def _parameters_refused(template: Template, given: list[Parameter]) -> Refusal | None:
    expected = len(template.parameters)
    if len(given) != expected:
        text = f"body: number of localizable_params ({len(given)}) does not match the expected"
        return Refusal(132000, f"{text} number of params ({expected})")
    return next((refusal for has_flaw, refusal in _FLAWS if has_flaw(template, given)), None)
