"""Reads a check-in code out of a picture: a frame of a camera, or a photo of a telephone's screen. Imports Pillow, zxing-cpp.

A picture of a few kilobytes can be one of gigabytes once it is unpacked, so its size is read before its pixels are. Nothing
of it is kept.
"""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import zxingcpp
from PIL import Image

from reservation.errors import Busy

FORMATS = ("JPEG", "PNG", "WEBP")
PHOTO_BYTES_LIMIT = 8 * 1024 * 1024
PIXELS_LIMIT = 40_000_000
READ_SIDE = 1_600
"""A code that fills a tenth of a picture this wide can still be read; larger ones are made smaller first."""
WAITING_LIMIT = 20


class PhotoUnusable(ValueError):
    """The bytes are no picture that can be read here."""


class PhotoReader:
    """Owns the one thread that decodes: pictures are the costliest thing a page can be sent."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="photo")
        self._waiting = 0

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def read(self, content: bytes) -> str | None:
        """The text of the picture's QR symbol; None when none is seen.

        Raises:
            PhotoUnusable: it is no picture, or too large a one.
            Busy: WAITING_LIMIT others wait.
        """
        if self._waiting >= WAITING_LIMIT:
            raise Busy(part="photos")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, read_code, content)
        finally:
            self._waiting -= 1


def read_code(content: bytes) -> str | None:
    """As `PhotoReader.read`, here and now."""
    if len(content) > PHOTO_BYTES_LIMIT:
        raise PhotoUnusable("larger than 8 MiB")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS_LIMIT:
                raise PhotoUnusable("more than 40 million pixels")
            # A JPEG is unpacked at the size it is read in.
            picture.draft("L", (READ_SIDE, READ_SIDE))
            grey = picture.convert("L")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, SyntaxError) as error:
        # Pillow tells broken PNGs as SyntaxError, everything else it cannot read as OSError.
        raise PhotoUnusable("no JPEG, PNG or WebP picture") from error
    grey.thumbnail((READ_SIDE, READ_SIDE))
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return found[0].text if found else None
