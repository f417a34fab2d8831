"""Which templates the account has and how a use of one must look (fact sheet, 2.2 and 3.4)."""

from collections.abc import Callable

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
    buttons: list[str] = []
    """Texts of its quick replies."""
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
        return _parameters_refused(template, _body_parameters(use.components))


def _body_parameters(components: list[Component]) -> list[Parameter]:
    return [item for part in components if part.type == "body" for item in part.parameters]


Flaw = Callable[[Template, list[Parameter]], bool]


def _has_foreign_type(template: Template, given: list[Parameter]) -> bool:
    del template
    return any(item.type not in _BODY_TYPES for item in given)


def _has_empty_text(template: Template, given: list[Parameter]) -> bool:
    del template
    return any(item.type == "text" and not item.text for item in given)


def _has_wrong_names(template: Template, given: list[Parameter]) -> bool:
    names = {item.parameter_name for item in given}
    return names != set(template.parameters) if template.is_named else names - {None} != set()


def _is_too_long(template: Template, given: list[Parameter]) -> bool:
    return len(template.body) + sum(len(item.text or "") for item in given) > _LONGEST_BODY


_FLAWS: tuple[tuple[Flaw, Refusal], ...] = (
    (_has_foreign_type, Refusal(132012, "body: parameter type not allowed")),
    (_has_empty_text, Refusal(131008, "body: parameter of type text is missing text value")),
    (_has_wrong_names, Refusal(132012, "body: parameter names do not match the template")),
    (_is_too_long, Refusal(132005, "Translated text too long")),
)


def _parameters_refused(template: Template, given: list[Parameter]) -> Refusal | None:
    expected = len(template.parameters)
    if len(given) != expected:
        text = f"body: number of localizable_params ({len(given)}) does not match the expected"
        return Refusal(132000, f"{text} number of params ({expected})")
    return next((refusal for has_flaw, refusal in _FLAWS if has_flaw(template, given)), None)
