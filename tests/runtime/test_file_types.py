"""S6 of the peers' list: files that lie about their type, are two things, are too large."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime import file_types
from runtime.file_types import has_markup, pixels_of, safe_name, type_of
from tests.services.fetcher import files

OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (files.PNG, "image/png"),
        (files.JPEG, "image/jpeg"),
        (files.WEBP, "image/webp"),
        (files.OGG, "audio/ogg"),
        (files.AMR, "audio/amr"),
        (files.MP3, "audio/mpeg"),
        (files.AAC, "audio/aac"),
        (files.M4A, "audio/mp4"),
        (files.MP4, "video/mp4"),
        (files.THREE_GP, "video/3gpp"),
        (files.PDF, "application/pdf"),
        (files.TEXT, "text/plain"),
        ("你好".encode("gb18030"), "text/plain"),
        ("name;price\r\nBMW;1".encode("utf-16"), "text/plain"),
        (files.DOCX, f"{OFFICE}wordprocessingml.document"),
        (files.XLSX, f"{OFFICE}spreadsheetml.sheet"),
        (files.PPTX, f"{OFFICE}presentationml.presentation"),
    ],
)
def test_a_file_is_what_its_bytes_show_whatever_was_announced(data: bytes, mime_type: str) -> None:
    assert type_of(data, None) == mime_type
    assert type_of(data, "application/x-msdownload") == mime_type
    assert type_of(data, "image/gif") == mime_type


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"\xef\xbb\xbf \r\n<HTML>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        "<html>".encode("utf-16"),
        b"#!/bin/sh\nrm -rf /\n",
        files.PROGRAM,
        files.ELF,
        files.JAR,
        files.OLE,
        files.GIF,
        b"\x00\x01\x02\x03",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_not_on_the_list_is_not_kept_whatever_was_announced(data: bytes) -> None:
    for announced in (None, "image/png", "text/plain", "application/pdf", f"{OFFICE}x"):
        assert type_of(data, announced) is None


def test_the_announcement_counts_between_types_of_the_same_container() -> None:
    assert type_of(files.MP4, "audio/mp4; codecs=mp4a") == "audio/mp4"
    assert type_of(files.OLE, "application/msword") == "application/msword"
    assert type_of(files.OLE, "application/x-msi") is None


def test_a_character_cut_in_two_at_the_end_of_the_head_is_still_text() -> None:
    assert type_of("你".encode()[:2], None) == "text/plain"


@given(st.binary(max_size=200), st.sampled_from([files.PNG, files.MP4, files.OLE, b"PK", b""]))
@example(b"\xff" * 50, b"\x00\x00\x00\x00ftyp")
@example(b"\x00\x00", b"\xff\xd8")
@example(b"", b"\xff\xd8\xff\xe0\x00\x00\xff\xff\x00\x00\x00")
def test_no_bytes_whatever_confuse_it(rest: bytes, start: bytes) -> None:
    for data in (start + rest, start[: len(rest)], start + bytes(8) + rest):
        mime_type = type_of(data, "image/png")

        assert mime_type is None or file_types.extension_of(mime_type)
        assert (pixels_of(data) or 0) >= 0


@pytest.mark.parametrize("of", [files.png_of, files.webp_of, files.jpeg_of])
def test_a_picture_says_how_many_pixels_it_has(of: Callable[[int, int], bytes]) -> None:
    assert pixels_of(of(50_000, 50_000)) == 2_500_000_000
    assert pixels_of(of(640, 480)) == 307_200


def test_what_does_not_say_its_size_has_none() -> None:
    assert pixels_of(files.PDF) is None
    assert pixels_of(files.PNG[:20]) is None
    assert pixels_of(files.JPEG[:24]) is None


@pytest.mark.parametrize("markup", [b"<script>", b"<HTML ", b"<sVg", b"<!DocType html", b"<?php"])
def test_markup_is_found_wherever_it_stands(markup: bytes) -> None:
    assert has_markup(files.JPEG + markup + files.JPEG)
    assert not has_markup(files.JPEG + markup.replace(b"<", b"(") + files.JPEG)


@pytest.mark.parametrize(
    ("given_name", "mime_type", "kept"),
    [
        ("invoice.pdf", "application/pdf", "invoice.pdf"),
        ("INVOICE.PDF", "application/pdf", "INVOICE.PDF"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("photo.exe", "image/jpeg", "photo.exe.jpg"),
        ("..\\..\\windows\\a.png", "image/png", "a.png"),
        ("/etc/passwd", "text/plain", "passwd.txt"),
        ("报价单.xlsx", f"{OFFICE}spreadsheetml.sheet", "报价单.xlsx"),
        ("photo\u202egpj.exe", "image/png", "photogpj.exe.png"),
        ("a\r\nSet-Cookie: b.png", "image/png", "aSet-Cookie: b.png"),
        ("..", "image/png", None),
        ("", "image/png", None),
        (None, "image/png", None),
    ],
)
def test_a_name_loses_its_folders_and_tricks_and_ends_in_what_the_file_is(
    given_name: str | None, mime_type: str, kept: str | None
) -> None:
    assert safe_name(given_name, mime_type) == kept


@given(st.text(max_size=400))
def test_a_name_fits_and_goes_nowhere(name: str) -> None:
    kept = safe_name(name, "image/png")

    assert kept is None or (len(kept) <= 255 and kept.lower().endswith(".png"))
    assert kept is None or not set(kept) & set("/\\\x00\r\n")
