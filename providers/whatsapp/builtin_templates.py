"""The two templates that are always in the table, ready to be filled in (WA-10, WA-11, WA-19)."""

from schemas.topics.templates import TemplateContent, TextParameter


def order_status_update(order_number: str, status: str) -> TemplateContent:
    """Return the news that an order has another status."""
    return _filled("order_status_update", order_number, status)


def appointment_reminder(appointment_date: str, device_model: str) -> TemplateContent:
    """Return the reminder of an appointment for a device; the date in the words to be shown."""
    return _filled("appointment_reminder", appointment_date, device_model)


def _filled(name: str, *values: str) -> TemplateContent:
    parameters = tuple(TextParameter(text=value) for value in values)
    return TemplateContent(name=name, language="en", body=parameters)
