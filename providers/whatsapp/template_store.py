"""The table ``whatsapp_templates``: read, and brought in step with Meta's list (WA-12)."""

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from providers.whatsapp.template_rules import Template, Translation

_COLUMNS = "template_name, template_content, language_code, category, variables, is_active"

_ALL = sa.text(f"SELECT {_COLUMNS} FROM whatsapp_templates ORDER BY template_name")  # noqa: S608 - our own words only

_ALL_LOCKED = sa.text(f"{_ALL.text} FOR UPDATE")


def templates(connection: sa.Connection) -> Sequence[Template]:
    """Return all templates, by name."""
    return [_template(row) for row in connection.execute(_ALL)]


def templates_for_update(connection: sa.Connection) -> Mapping[str, Template]:
    """Return all templates, by name, and keep others from changing them meanwhile."""
    return {row.template_name: _template(row) for row in connection.execute(_ALL_LOCKED)}


_PUT = sa.text(
    """
    INSERT INTO whatsapp_templates (template_name, template_content, language_code, category,
        variables, is_active)
    SELECT name, content, language, category, CAST(variables AS json), is_active
    FROM unnest(
        CAST(:names AS text[]), CAST(:contents AS text[]), CAST(:languages AS text[]),
        CAST(:categories AS text[]), CAST(:variables AS text[]), CAST(:actives AS boolean[])
    ) AS t(name, content, language, category, variables, is_active)
    ON CONFLICT (template_name) DO UPDATE
    SET template_content = excluded.template_content, language_code = excluded.language_code,
        category = excluded.category, variables = excluded.variables,
        is_active = excluded.is_active, updated_at = now()
    """
)


def put(connection: sa.Connection, changed: Sequence[Template]) -> None:
    """Enter the templates, each in the place of the one of its name."""
    values = {
        "names": [one.name for one in changed],
        "contents": [one.content for one in changed],
        "languages": [one.language for one in changed],
        "categories": [one.category for one in changed],
        "variables": [msgspec.json.encode(one.translations).decode() for one in changed],
        "actives": [one.is_active for one in changed],
    }
    connection.execute(_PUT, values)


def _template(row: sa.Row[tuple[object, ...]]) -> Template:
    return Template(
        name=row.template_name,
        content=row.template_content,
        language=row.language_code,
        category=row.category,
        translations=_translations(row.variables),
        is_active=row.is_active,
    )


def _translations(variables: object) -> Mapping[str, Translation]:
    # People may have entered the row, with definitions of another shape or none.
    try:
        return msgspec.convert(variables, dict[str, Translation])
    except msgspec.ValidationError:
        return {}
