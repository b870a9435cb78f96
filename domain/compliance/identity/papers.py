"""Papers: what may be uploaded, and whether bytes are what they are said to be. Pure."""

from typing import Final

from domain.compliance.identity.values import MediaType
from domain.kernel.errors import Invalid

FILE_BYTES_MAX: Final = 10 * 1024 * 1024
NAME_MAX: Final = 120
_MARKS: Final = {
    MediaType.PDF: (b"%PDF-",),
    MediaType.JPEG: (b"\xff\xd8\xff",),
    MediaType.PNG: (b"\x89PNG\r\n\x1a\n",),
}


def is_of_type(content: bytes, media_type: MediaType) -> bool:
    """Whether a file begins as its type does: the name and the header prove nothing."""
    return content.startswith(_MARKS[media_type])


def check_name(name: str) -> str:
    """The name of a file without its folders. Refusals: INVALID."""
    told = name.replace("\\", "/").rpartition("/")[2].strip()
    if not 1 <= len(told) <= NAME_MAX or not told.isprintable():
        message = f"A name has 1 to {NAME_MAX} printable characters."
        raise Invalid("INVALID", message, path=("input", "name"))
    return told
