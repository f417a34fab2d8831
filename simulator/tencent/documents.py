"""How a message or an event is written: XML with CDATA, or JSON (WX 9 and 14.2)."""

from typing import cast

import msgspec

Json = dict[str, object]

_encode = msgspec.json.Encoder().encode


def as_xml(held: Json) -> bytes:
    """Return the document below one `xml` element; numbers bare, texts as CDATA.

    >>> as_xml({"MsgType": "text", "MsgId": 7, "Items": {"Item": ["a", "b"]}}).decode()[5:-6]
    '<MsgType><![CDATA[text]]></MsgType><MsgId>7</MsgId><Items><Item><![CDATA[a]]></Item>\
<Item><![CDATA[b]]></Item></Items>'
    """
    return _element("xml", held).encode()


def as_json(held: Json) -> bytes:
    """Return the same as JSON, not escaped."""
    return _encode(held)


def _element(name: str, held: object) -> str:
    if isinstance(held, list):
        return "".join(_element(name, value) for value in cast("list[object]", held))
    if isinstance(held, dict):
        parts = cast("Json", held).items()
        inner = "".join(_element(part, value) for part, value in parts)
    elif isinstance(held, str):
        # The end of a CDATA section inside it must be cut in two.
        inner = f"<![CDATA[{held.replace(']]>', ']]]]><![CDATA[>')}]]>"
    else:
        inner = str(held)
    return f"<{name}>{inner}</{name}>"
