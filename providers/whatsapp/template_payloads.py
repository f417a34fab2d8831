"""A template with what is filled in, in the words of the API (WA-09; fact sheet 2.2). Pure."""

from typing import Final, assert_never

from providers.whatsapp.parts import Json, where, without_none
from schemas.topics.templates import (
    BodyParameter,
    CurrencyParameter,
    DateTimeParameter,
    DocumentParameter,
    HeaderParameter,
    ImageParameter,
    TemplateButton,
    TemplateContent,
    TextParameter,
    VideoParameter,
)

_BUTTON_VALUE: Final = {"quick_reply": "payload", "url": "text", "copy_code": "coupon_code"}
"""What the value of a button is called, by its kind; its parameter's type has the same name."""


def template_part(content: TemplateContent) -> Json:
    """Return what stands under ``template``; a part without parameters is left out."""
    components: list[Json] = []
    if content.header is not None:
        components.append({"type": "header", "parameters": [_header(content.header)]})
    if content.body:
        filled = [_body(parameter) for parameter in content.body]
        components.append({"type": "body", "parameters": filled})
    components += [_button(button) for button in content.buttons]
    part: Json = {"name": content.name, "language": {"code": content.language}}
    return {**part, "components": components} if components else part


def _header(parameter: HeaderParameter) -> Json:
    match parameter:
        case TextParameter():
            return _body(parameter)
        case ImageParameter():
            return {"type": "image", "image": where(parameter)}
        case VideoParameter():
            return {"type": "video", "video": where(parameter)}
        case DocumentParameter(file_name=file_name):
            document = without_none({**where(parameter), "filename": file_name})
            return {"type": "document", "document": document}
        case _:
            assert_never(parameter)


def _body(parameter: BodyParameter) -> Json:
    match parameter:
        case TextParameter(text=text):
            filled: Json = {"type": "text", "text": text}
        case CurrencyParameter(fallback_value=shown, code=code, amount_1000=amount):
            currency = {"fallback_value": shown, "code": code, "amount_1000": amount}
            filled = {"type": "currency", "currency": currency}
        case DateTimeParameter(fallback_value=shown):
            filled = {"type": "date_time", "date_time": {"fallback_value": shown}}
        case _:
            assert_never(parameter)
    return filled if parameter.name is None else {**filled, "parameter_name": parameter.name}


def _button(button: TemplateButton) -> Json:
    value = _BUTTON_VALUE[button.kind]
    return {
        "type": "button",
        "sub_type": button.kind,
        "index": button.index,
        "parameters": [{"type": value, value: button.value}],
    }
