"""Files as people send them, true and false: the first bytes that make each what it is."""

import struct

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00"
    b"\x3a\x7e\x9b\x55\x00\x00\x00\x0aIDAT\x78\x9c\x63\x68\x00\x00\x00\x82\x00\x81"
)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x08\x00\x10\x01\x01\x11\x00"
)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10"
OGG = b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead\x01\x01"
AMR = b"#!AMR\n" + b"\x3c" + bytes(31)
MP3 = b"ID3\x03\x00\x00\x00\x00\x00\x00" + bytes(64)
AAC = b"\xff\xf1\x50\x80\x01\x1f\xfc" + bytes(64)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(64)
M4A = b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42" + bytes(64)
THREE_GP = b"\x00\x00\x00\x18ftyp3gp5\x00\x00\x00\x003gp5isom" + bytes(64)
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n"
TEXT = "Bestellung A-17, 你好\n".encode()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(64)
ELF = b"\x7fELF\x02\x01\x01" + bytes(64)
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes(32)


def zipped(*names: str) -> bytes:
    """Return the beginning of an archive with these entries."""
    return b"".join(
        b"PK\x03\x04" + bytes(22) + struct.pack("<HH", len(name), 0) + name.encode() + b"\x03\x00"
        for name in names
    )


DOCX = zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = zipped("xl/workbook.xml")
PPTX = zipped("_rels/.rels", "docProps/app.xml", "ppt/presentation.xml")
JAR = zipped("META-INF/MANIFEST.MF", "Main.class")


def png_of(width: int, height: int) -> bytes:
    """Return a picture that says it is so large."""
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


def jpeg_of(width: int, height: int) -> bytes:
    """Return a photograph that says it is so large."""
    return JPEG[:25] + struct.pack(">HH", height, width) + JPEG[29:]


def webp_of(width: int, height: int) -> bytes:
    """Return a picture that says it is so large."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + sizes
