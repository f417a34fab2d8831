"""What becomes of the table of templates when Meta's list is compared with it (WA-12). Pure.

``is_active`` is for people to switch off and for Meta to take away: what is not approved there is
not active here, and comes back with its approval. What people switched off while it was approved
stays off.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from providers.whatsapp.template_listing import UNKNOWN, Listed
from providers.whatsapp.template_rules import APPROVED, MISSING, Template, Translation

LONGEST_NAME: Final = 100
LONGEST_LANGUAGE: Final = 10
LONGEST_CATEGORY: Final = 50
METAS: Final = frozenset({"marketing", "utility", "authentication", UNKNOWN})
"""Categories that a row has from Meta's list; of another word a person is the author."""
FIRST_CHOICE: Final = "en"
"""The language whose text is shown where there are several (WA-12)."""


def holds(listed: Listed) -> bool:
    """Tell whether the table has room for the name and the language (WA-12, LM-06)."""
    return len(listed.name) <= LONGEST_NAME and len(listed.language) <= LONGEST_LANGUAGE


def changes(known: Mapping[str, Template], listed: Iterable[Listed]) -> Sequence[Template]:
    """Return the rows that are new or different after the comparison, by name."""
    by_name = sorted(filter(holds, listed), key=lambda one: one.name)
    told = {name: list(ones) for name, ones in groupby(by_name, key=lambda one: one.name)}
    after = [_merged(known.get(name), ones) for name, ones in told.items()]
    after += [_gone(template) for name, template in known.items() if name not in told]
    return sorted(
        (template for template in after if template != known.get(template.name)),
        key=lambda template: template.name,
    )


def _merged(known: Template | None, listed: Sequence[Listed]) -> Template:
    languages = {one.language: one for one in listed}
    preferred = FIRST_CHOICE if known is None else known.language
    shown = languages.get(preferred) or languages[min(languages)]
    translations = {code: languages[code].translation for code in sorted(languages)}
    return Template(
        name=shown.name,
        content=shown.body,
        language=shown.language,
        category=_category(known, shown.category[:LONGEST_CATEGORY]),
        translations=translations,
        is_active=_is_active(known, translations),
    )


def _category(known: Template | None, metas: str) -> str:
    # The row's own words (order_update, appointment …) say more than Meta's, which may change.
    return metas if known is None or known.category in METAS else known.category


def _gone(known: Template) -> Template:
    missing = {
        code: msgspec.structs.replace(translation, status=MISSING)
        for code, translation in known.translations.items()
    }
    return msgspec.structs.replace(
        known, translations=missing, is_active=_is_active(known, missing)
    )


def _is_active(known: Template | None, now: Mapping[str, Translation]) -> bool:
    if not any(translation.status == APPROVED for translation in now.values()):
        return False
    if known is None or known.is_active:
        return True
    # Inactive so far: by Meta's word, which has changed, or by a person's.
    return known.is_synced and not any(
        translation.status == APPROVED for translation in known.translations.values()
    )
