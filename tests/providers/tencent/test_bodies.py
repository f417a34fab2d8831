"""How XML and JSON become the same fields, and what is not taken (WX 8)."""

import time

import pytest

from providers.callbacks import MalformedCallback
from providers.tencent.bodies import DEEPEST, MOST_ELEMENTS, read


def problem_of(text: str) -> str:
    with pytest.raises(MalformedCallback) as refused:
        read(text)
    return str(refused.value)


class TestReading:
    def test_elements_become_fields(self) -> None:
        text = """<xml>
            <MsgType><![CDATA[event]]></MsgType>
            <Content><![CDATA[ 1 < 2 & "确认" ]]></Content>
            <Escaped>a &amp; b</Escaped>
            <Empty></Empty><Empty2/>
            <SelectedItems><SelectedItem><QuestionKey>q</QuestionKey></SelectedItem></SelectedItems>
        </xml>"""

        assert read(text) == {
            "MsgType": "event",
            "Content": ' 1 < 2 & "确认" ',
            "Escaped": "a & b",
            "Empty": "",
            "Empty2": "",
            "SelectedItems": {"SelectedItem": {"QuestionKey": "q"}},
        }

    def test_an_element_that_comes_again_makes_a_list(self) -> None:
        text = "<xml><I>1</I><I>2</I><O><I>3</I></O><I><J>4</J></I></xml>"

        assert read(text) == {"I": ["1", "2", {"J": "4"}], "O": {"I": "3"}}

    def test_json_is_read_as_it_is(self) -> None:
        text = ' {"MsgType":"text","CreateTime":1646222724,"List":[{"a":null}]}'

        assert read(text) == {"MsgType": "text", "CreateTime": 1646222724, "List": [{"a": None}]}

    def test_control_characters_that_people_paste_do_not_cost_the_message(self) -> None:
        assert read("<xml><Content><![CDATA[a\x1d\x00b\tc\n]]></Content></xml>") == {
            "Content": "ab\tc\n"
        }
        assert read('{"Content":"a\\u001d\\u0000b"}') == {
            "Content": "a\x1d\N{REPLACEMENT CHARACTER}b"
        }

    def test_an_encoding_that_is_announced_wrongly_does_not_matter(self) -> None:
        assert read('<?xml version="1.0" encoding="gbk"?><xml><A>确认</A></xml>') == {"A": "确认"}


class TestRefusing:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "nonsense",
            "<xml>",
            "<xml></yml>",
            "<xml/><xml/>",
            "<xml>&unknown;</xml>",
            "<a:xml/>",
            "<xml>&#xD800;</xml>",
            "{",
            '{"a":NaN}',
        ],
    )
    def test_what_is_neither_xml_nor_json_is_malformed(self, text: str) -> None:
        assert problem_of(text).startswith(("body: neither JSON nor XML", "body: not JSON"))

    @pytest.mark.parametrize("text", ["[]", "[1]", "<xml>words</xml>", "<xml/>"])
    def test_what_has_no_fields_is_malformed(self, text: str) -> None:
        assert problem_of(text) == "body: must be an object"

    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE xml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
            '<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/evil.dtd">',
            '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE xml [<!ENTITY % a "x"> %a;]>',
            "<!DOCTYPE xml>",
        ],
    )
    def test_dtds_and_entities_are_refused(self, doctype: str) -> None:
        told = problem_of(f"{doctype}<xml><A>&a;&b;</A></xml>")

        assert told == "body: DTDs and entities are not taken"

    @pytest.mark.parametrize(
        "text",
        [
            "<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1),
            '{"a":' * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1),
            "<a>" * 80_000,
            "[" * 200_000,
        ],
    )
    def test_what_is_too_deep_is_refused(self, text: str) -> None:
        assert problem_of(text) == "body: nested too deeply"

    def test_what_is_just_not_too_deep_is_read(self) -> None:
        assert read("<a>" * DEEPEST + "</a>" * DEEPEST) is not None

    def test_too_many_elements_are_refused(self) -> None:
        read("<a>" + "<b/>" * (MOST_ELEMENTS - 1) + "</a>")

        assert problem_of("<a>" + "<b/>" * MOST_ELEMENTS + "</a>").startswith("body: more than")

    @pytest.mark.parametrize(
        "text",
        [
            "<a>" + "<b/>" * 60_000,
            "<a>" + "<!---->" * 36_000,
            "<a>" + "<?p?>" * 50_000,
            "<a>" + "<![CDATA[]]>" * 20_000,
            "<a " + " ".join(f'b{n}=""' for n in range(25_000)) + ">",
            "<a>" + "&amp;" * 50_000,
        ],
        ids=["elements", "comments", "instructions", "CDATA", "attributes", "escapes"],
    )
    def test_what_is_made_to_be_expensive_is_not(self, text: str) -> None:
        began = time.process_time()

        problem_of(text)

        assert time.process_time() - began < 0.1

    def test_no_content_is_told(self) -> None:
        for text in ("<xml><A>a secret</B></xml>", '{"A":"a secret"', "<xml>&secret;</xml>"):
            assert "secret" not in problem_of(text)
