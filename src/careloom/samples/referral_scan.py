"""The same letters as they arrive in practice: a poor scan, and a fax.

Everything is drawn from the letter's PDF and a seed, so a sample is the same on every machine.
"""

from __future__ import annotations

import io

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from careloom.samples.referral_pdf import FONTS, PAGE_HEIGHT, PAGE_WIDTH, digital_pdf, stream
from careloom.samples.referral_pdf import write_pages as _write_pages

FAX_DPI = (204, 196)
"""Fine resolution of a group 3 fax (ITU-T T.4), across and down."""


def draw_pages(pdf: bytes, dpi: float) -> list[Image.Image]:
    """Each page of a PDF as a grey image."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [
            page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document
        ]
    finally:
        document.close()


def _font(text: str, rng: np.random.Generator) -> str:
    """One of the standard fonts; beyond Latin-1 only the fixed-pitch one has the glyphs."""
    chosen = FONTS[int(rng.integers(len(FONTS)))]
    return chosen if all(ord(char) < 256 or char in "–—‘’“”„…€" for char in text) else "Courier"


def degrade(page: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One pass through a tired scanner: skew, blur, uneven light, noise, dust."""
    angle = float(rng.uniform(-1.6, 1.6))
    turned = page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    soft = turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 0.95))))
    grey: NDArray[np.float32] = np.asarray(soft, dtype=np.float32)
    height, width = grey.shape
    ink = float(rng.uniform(25, 70))
    paper = float(rng.uniform(215, 245))
    across = np.linspace(0, float(rng.uniform(-22, 22)), width).astype(np.float32)
    down = np.linspace(0, float(rng.uniform(-18, 18)), height).astype(np.float32)
    grey = (ink + grey / 255 * (paper - ink) + across[None, :] + down[:, None]).astype(np.float32)
    grey += rng.normal(0, float(rng.uniform(6, 13)), grey.shape).astype(np.float32)
    for _ in range(int(rng.integers(60, 200))):
        y, x = int(rng.integers(0, height - 3)), int(rng.integers(0, width - 3))
        grey[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 3))] = ink + 30
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def _image_pdf(images: list[tuple[bytes, str]], size: tuple[float, float]) -> bytes:
    extra = [stream(data, entries, compress=False) for data, entries in images]
    names = " ".join(f"/I{i} {3 + i} 0 R" for i in range(len(images)))
    contents = [
        f"q {size[0]:.2f} 0 0 {size[1]:.2f} 0 0 cm /I{i} Do Q".encode() for i in range(len(images))
    ]
    return _write_pages(contents, f"/XObject << {names} >>", extra, size)


def _jpeg_object(page: Image.Image, quality: int) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue(), (
        f"/Type /XObject /Subtype /Image /Width {page.width} /Height {page.height} "
        "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
    )


def scan_pdf(text: str, seed: int, dpi: int = 200) -> bytes:
    """The letter as a degraded scan: pages of grey JPEG at `dpi`, no text layer."""
    rng = np.random.default_rng(seed)
    pages = draw_pages(digital_pdf(text, _font(text, rng)), dpi)
    quality = int(rng.integers(38, 66))
    images = [_jpeg_object(degrade(page, rng), quality) for page in pages]
    return _image_pdf(images, (PAGE_WIDTH, PAGE_HEIGHT))


def fax_page(page: Image.Image, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A page as the receiving machine prints it: one bit, speckles, lost lines. True is paper."""
    turned = page.rotate(float(rng.uniform(-0.8, 0.8)), Image.Resampling.BICUBIC, fillcolor=255)
    soft = turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 0.7))))
    grey = np.asarray(soft, dtype=np.float32)
    grey = grey + rng.normal(0, float(rng.uniform(14, 26)), grey.shape).astype(np.float32)
    bits = grey > float(rng.uniform(125, 165))
    bits ^= rng.random(bits.shape) < float(rng.uniform(0.0008, 0.0025))
    for row in rng.integers(2, bits.shape[0] - 2, int(rng.integers(1, 5))):
        bits[row] = bits[row - 1]
    return bits


def fax_pdf(text: str, seed: int) -> bytes:
    """The letter as a received fax: one bit a pixel at 204 × 196 dpi, with its header line."""
    rng = np.random.default_rng(seed)
    header = (
        f"{int(rng.integers(1, 28)):02d}-NOV-2026  {int(rng.integers(8, 18)):02d}:"
        f"{int(rng.integers(0, 59)):02d}   FAX 01632 960{int(rng.integers(100, 999))}"
        "      P. 01/01"
    )
    font = _font(text, rng)
    images = []
    for page in draw_pages(digital_pdf(header + "\n\n" + text, font), FAX_DPI[0]):
        shape = (page.width, round(page.height * FAX_DPI[1] / FAX_DPI[0]))
        bits = fax_page(page.resize(shape, Image.Resampling.BICUBIC), rng)
        entries = (
            f"/Type /XObject /Subtype /Image /Width {bits.shape[1]} "
            f"/Height {bits.shape[0]} /ColorSpace /DeviceGray /BitsPerComponent 1"
        )
        images.append((np.packbits(bits, axis=1).tobytes(), entries))
    return _image_pdf(images, (PAGE_WIDTH, PAGE_HEIGHT))
