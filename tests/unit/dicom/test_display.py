"""Stored values become display values as PS3.3 C.11 says."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from careloom.dicom.display import Window
from careloom.dicom.limits import DicomLimits, Refused
from careloom.dicom.pixels import Picture, display, encode, native_frame

LIMITS = DicomLimits()


def image(pixels: Any, **changes: Any) -> Dataset:
    pixels = np.asarray(pixels)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    bits = 8 * pixels.dtype.itemsize
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        dataset.NumberOfFrames = pixels.shape[0]
    dataset["PixelData"] = _pixel_data(pixels)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    if "HighBit" not in dataset:
        dataset.HighBit = dataset.BitsStored - 1
    return dataset


def _pixel_data(pixels: Any) -> Any:
    from pydicom.dataelem import DataElement

    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return DataElement(0x7FE00010, "OW", data + b"\0" * (len(data) % 2))


def shown(dataset: Dataset, frame: int = 0, window: Window | None = None) -> list[int]:
    return display(dataset, frame, LIMITS, window).luminance().ravel().tolist()


def u16(*values: int) -> np.ndarray:
    return np.array([values], dtype=np.uint16)


def test_a_linear_window_follows_the_formula() -> None:
    dataset = image(u16(0, 100, 150, 200, 4000), WindowCenter=150, WindowWidth=101)
    # y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
    assert shown(dataset) == [0, 1, 129, 255, 255]


def test_linear_exact_and_sigmoid() -> None:
    exact = image(u16(100, 150, 200), WindowCenter=150, WindowWidth=100)
    exact.VOILUTFunction = "LINEAR_EXACT"
    assert shown(exact) == [0, 128, 255]
    exact.VOILUTFunction = "SIGMOID"
    middle = shown(exact)
    assert middle[1] == 128
    assert middle[0] == round(255 / (1 + np.exp(2)))
    assert middle[2] == round(255 / (1 + np.exp(-2)))


def test_a_window_of_width_one_is_a_step() -> None:
    assert shown(image(u16(9, 10, 11), WindowCenter=10, WindowWidth=1)) == [0, 255, 255]


def test_the_first_of_several_windows_is_used() -> None:
    dataset = image(u16(0, 100), WindowCenter=[50, 1000], WindowWidth=[101, 5])
    assert shown(dataset) == [1, 255]


def test_a_given_window_wins() -> None:
    dataset = image(u16(0, 100), WindowCenter=5000, WindowWidth=10)
    assert shown(dataset, window=Window(50, 100, "LINEAR_EXACT")) == [0, 255]


def test_rescale_comes_before_the_window() -> None:
    dataset = image(
        u16(0, 1024, 2048),
        RescaleSlope=2,
        RescaleIntercept=-1024,
        WindowCenter=0.5,
        WindowWidth=2049,
    )
    assert shown(dataset) == [0, 255, 255]
    dataset.WindowCenter, dataset.WindowWidth = 1024.5, 4097
    assert shown(dataset) == [0, 128, 255]


def test_monochrome1_is_inverted() -> None:
    plain = image(u16(0, 100, 200), WindowCenter=100, WindowWidth=200)
    inverse = image(u16(0, 100, 200), WindowCenter=100, WindowWidth=200)
    inverse.PhotometricInterpretation = "MONOCHROME1"
    inverse.PresentationLUTShape = "INVERSE"
    assert shown(inverse) == [255 - value for value in shown(plain)]


def test_signed_values_and_unused_bits() -> None:
    signed = image(np.array([[-1000, 0, 1000]], dtype=np.int16), WindowCenter=0.5, WindowWidth=2001)
    assert shown(signed) == [0, 128, 255]
    overlay = image(u16(0xF000, 0xF800, 0xFFFF), BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    assert shown(overlay) == [0, 128, 255]


def test_eight_bits_without_a_window_are_shown_as_they_are() -> None:
    assert shown(image(np.array([[0, 7, 200, 255]], dtype=np.uint8))) == [0, 7, 200, 255]


def test_deep_images_without_a_window_are_stretched_between_percentiles() -> None:
    pixels = np.tile(np.arange(1000, 2000, dtype=np.uint16), (10, 1))
    pixels[0, 0] = 65535
    result = display(image(pixels), 0, LIMITS).pixels
    assert result[5, 0] == 0
    assert result[5, 999] == 255
    assert 120 <= result[5, 500] <= 135


def test_padding_is_black_and_takes_no_part_in_the_stretch() -> None:
    pixels = np.tile(np.arange(1000, 1100, dtype=np.uint16), (4, 1))
    pixels[:, :30] = 60000
    result = display(image(pixels, PixelPaddingValue=60000), 0, LIMITS).pixels
    assert (result[:, :30] == 0).all()
    assert result[0, 99] == 255
    assert result[0, 30] == 0
    inverted = image(pixels, PixelPaddingValue=60000, PhotometricInterpretation="MONOCHROME1")
    assert (display(inverted, 0, LIMITS).pixels[:, :30] == 0).all()


def test_a_voi_table_is_applied_and_clamped() -> None:
    item = Dataset()
    item.LUTDescriptor = [4, 10, 8]
    item["LUTData"] = _table([0, 85, 170, 255])
    dataset = image(u16(0, 10, 11, 12, 13, 99), VOILUTSequence=[item])
    assert shown(dataset) == [0, 0, 85, 170, 255, 255]


def test_a_modality_table_is_applied_before_the_window() -> None:
    item = Dataset()
    item.LUTDescriptor = [3, 0, 16]
    item["LUTData"] = _table([0, 500, 1000])
    dataset = image(u16(0, 1, 2), ModalityLUTSequence=[item], WindowCenter=500.5, WindowWidth=1001)
    assert shown(dataset) == [0, 128, 255]


def _table(values: list[int]) -> Any:
    from pydicom.dataelem import DataElement

    return DataElement(0x00283006, "US", values)


def test_frames_use_their_own_window() -> None:
    pixels = np.array([[[0, 100]], [[0, 1000]]], dtype=np.uint16)
    dataset = image(pixels)
    groups = []
    for width in (100, 1000):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = width / 2, width, "LINEAR_EXACT"
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    assert shown(dataset, 0) == [0, 255]
    assert shown(dataset, 1) == [0, 255]


def test_colour_becomes_luminance_and_is_flagged() -> None:
    pixels = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]], dtype=np.uint8)
    dataset = image(pixels.reshape(1, 12))
    dataset.Columns, dataset.SamplesPerPixel, dataset.PlanarConfiguration = 4, 3, 0
    dataset.PhotometricInterpretation = "RGB"
    picture = display(dataset, 0, LIMITS)
    assert picture.colour
    assert picture.luminance().ravel().tolist() == [76, 150, 29, 90]


def test_palette_colour_is_looked_up() -> None:
    dataset = image(np.array([[0, 1]], dtype=np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for name, values in (("Red", (0, 255)), ("Green", (0, 255)), ("Blue", (0, 0))):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [2, 0, 8])
        setattr(dataset, f"{name}PaletteColorLookupTableData", bytes(values))
    picture = display(dataset, 0, LIMITS)
    assert picture.colour
    assert picture.pixels.reshape(-1, 3).tolist() == [[0, 0, 0], [255, 255, 0]]


def test_compressed_pixels_decode_to_the_same() -> None:
    pixels = (np.arange(64 * 64, dtype=np.uint16) % 4096).reshape(64, 64)
    plain = image(pixels, BitsStored=12, WindowCenter=2048, WindowWidth=4096)
    expected = shown(plain)
    plain.SOPClassUID = plain.SOPInstanceUID = "1.2.3"
    plain.compress(RLELossless, generate_instance_uid=False)
    assert shown(plain) == expected
    assert native_frame(plain, 0, LIMITS) == pixels.astype("<u2").tobytes()


def test_floating_point_pixels() -> None:
    dataset = image(u16(0, 0, 0))
    del dataset.PixelData
    dataset.BitsAllocated = 32
    dataset.FloatPixelData = np.array([-1.0, 0.0, 1.0], dtype="<f4").tobytes()
    assert shown(dataset) == [0, 128, 255]


@pytest.mark.parametrize(
    ("changes", "frame", "reason"),
    [
        ({"Rows": 0}, 0, "no rows"),
        ({"Rows": 60000, "Columns": 60000}, 0, "more than"),
        ({}, 1, "no frame 2"),
        ({"NumberOfFrames": 5}, 5, "no frame 6"),
        ({"NumberOfFrames": 5}, 4, "cannot be decoded"),
        ({"BitsAllocated": 13}, 0, "cannot be decoded"),
    ],
)
def test_broken_images_are_refused(changes: dict[str, Any], frame: int, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        display(image(u16(1, 2, 3), **changes), frame, LIMITS)


def test_an_object_without_pixels_is_refused() -> None:
    dataset = image(u16(1))
    del dataset.PixelData
    with pytest.raises(Refused, match="no pixel data"):
        display(dataset, 0, LIMITS)


def test_the_shortcut_by_value_equals_the_work_by_pixel() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(-3000, 3000, (40, 40)).astype(np.int16)
    dataset = image(pixels, RescaleSlope=1.5, RescaleIntercept=-7, WindowCenter=40, WindowWidth=400)
    real = pixel_array(dataset).astype(float) * 1.5 - 7
    expected = np.rint(np.clip((real - 39.5) / 399 + 0.5, 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(display(dataset, 0, LIMITS).pixels, expected)


def test_pictures_fit_a_viewport_in_proportion() -> None:
    from PIL import Image

    picture = Picture(np.zeros((40, 80), np.uint8), colour=False)
    small = Image.open(BytesIO(encode(picture, "png", 90, (20, 20))))
    assert small.size == (20, 10)
