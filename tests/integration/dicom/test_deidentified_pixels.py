"""Words that are burned into pixels are blacked, nothing else changes, and what is not sure is
refused; descriptions and private attributes keep what may stay."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from tests.integration.dicom.burned import (
    SHAPE,
    as_file,
    ground,
    strokes,
    ultrasound,
    with_words,
)

from careloom.bootstrap.ai_redaction import descriptor_cleaner
from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.limits import Refused
from careloom.types import JsonObject

KEY = bytes(range(32))
ROOT = Path(__file__).parents[3]
PIXELS = Options(clean_pixels=True)


@pytest.fixture(scope="module")
async def copying() -> AsyncIterator[Copying]:
    made = Copying(descriptor_cleaner())
    yield made
    await made.close()


async def copied(
    copying: Copying, dataset: Dataset, options: Options = PIXELS
) -> tuple[JsonObject, Dataset]:
    report, body = await copying.copy(as_file(dataset), KEY, options)
    return report, pydicom.dcmread(BytesIO(body))


async def test_the_words_are_black_and_what_is_around_them_is_as_it_was(copying: Copying) -> None:
    picture, ink = ground(), strokes()
    source = with_words(picture, ink)
    report, copy = await copied(copying, ultrasound(source))
    after = copy.pixel_array
    assert (after[ink] == source.min()).all()
    done = report["pixels"]
    changed = after != source
    down, across = np.nonzero(ink)
    near = np.zeros(SHAPE, np.bool_)
    near[
        max(0, down.min() - 16) : down.max() + 16, max(0, across.min() - 16) : across.max() + 16
    ] = True
    assert not (changed & ~near).any()
    assert changed.mean() <= done["blackedShare"] <= near.mean()
    assert (done["frames"], done["framesSearched"]) == (1, 1)
    assert report["methods"] == ["113100", "113101"]
    assert [one.CodeValue for one in copy.DeidentificationMethodCodeSequence] == [
        "113100",
        "113101",
    ]
    assert (copy.BurnedInAnnotation, copy.PatientIdentityRemoved) == ("NO", "YES")
    again = await copying.copy(as_file(ultrasound(source)), KEY, PIXELS)
    assert again == await copying.copy(as_file(ultrasound(source)), KEY, PIXELS)


async def test_a_sample_of_what_is_measured_is_found(
    copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training/dicom_text"))
    synthetic = importlib.import_module("synthetic")
    rng, hits = np.random.default_rng(7), []
    for number in range(3):
        made = synthetic.drawn(rng, number)
        _, body = await copying.copy(synthetic.as_dicom(made.pixels), KEY, PIXELS)
        black = pydicom.dcmread(BytesIO(body)).pixel_array == made.pixels.min()
        hits += [black[one.ink].mean() >= 0.95 for one in made.lines if one.contrast >= 60]
    assert len(hits) >= 5
    assert sum(hits) >= len(hits) - 1


async def test_colours_palettes_inverted_greys_and_compression(copying: Copying) -> None:
    picture, ink = ground(), strokes()
    source = with_words(picture, ink)
    coloured = np.stack([source, source // 2, 255 - source // 3], axis=2)
    coloured[ink] = (255, 230, 0)
    _, copy = await copied(copying, ultrasound(coloured, colour=True))
    assert (copy.pixel_array[ink] == 0).all()
    assert np.array_equal(copy.pixel_array[80:], coloured[80:])
    light = ultrasound(255 - source, PhotometricInterpretation="MONOCHROME1")
    _, copy = await copied(copying, light)
    assert (copy.pixel_array[ink] == 255 - source.min()).all()
    table = np.arange(255, -1, -1, dtype=np.uint8).tobytes()
    given: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        given[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        given[f"{name}PaletteColorLookupTableData"] = table
    _, copy = await copied(copying, ultrasound(255 - source, **given))
    assert (copy.pixel_array[ink] == 255 - source.min()).all()
    packed = ultrasound(source)
    packed.file_meta = pydicom.dataset.FileMetaDataset()
    packed.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    packed.compress(RLELossless, generate_instance_uid=False)
    _, copy = await copied(copying, packed)
    assert (copy.pixel_array[ink] == source.min()).all()
    assert copy.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian


async def test_words_of_one_frame_are_black_in_all_and_frames_that_are_alike_are_read_once(
    copying: Copying,
) -> None:
    picture, ink = ground(), strokes()
    frames = np.stack([picture, picture, with_words(picture, ink), picture, picture])
    report, copy = await copied(copying, ultrasound(frames))
    assert (copy.pixel_array[:, ink] == frames.min()).all()
    assert np.array_equal(copy.pixel_array[:, 80:], frames[:, 80:])
    # The first, the one with words, and the one in which they are gone again.
    assert (report["pixels"]["frames"], report["pixels"]["framesSearched"]) == (5, 3)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Modality": "XC"}, "photograph"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4"}, "takes radiological"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"}, "takes radiological"),
        ({"PhotometricInterpretation": "HSV"}, "colours"),
        ({"SamplesPerPixel": 3}, "colours"),
        ({"NumberOfFrames": 900_000}, "MiB when decoded"),
        ({"Rows": 60_000, "Columns": 60_000}, "samples"),
        ({"NumberOfFrames": 2}, "cannot be decoded"),
        ({"PixelData": bytes(100)}, "cannot be decoded"),
        ({"HighBit": 3}, "bits"),
    ],
)
async def test_what_cannot_be_searched_is_refused(
    copying: Copying, given: dict[str, object], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        await copied(copying, ultrasound(ground(), **given))


async def test_descriptions_keep_what_names_nobody(copying: Copying) -> None:
    dataset = ultrasound(ground(), BurnedInAnnotation="NO")
    dataset.ReferringPhysicianName = "Quetzalmeier^Otto"
    said = {
        "StudyDescription": "CT THORAX ZZKANARIE QUETZALMEIER",
        "SeriesDescription": "ax t2 tse 3mm Brunhild 19770707",
        "ProtocolName": "ZZKANARIE_4711-0815",
        "ImageComments": "Rang Mrs Zzkanarie on 7 July 1977, tel. 01632 960114",
        "PatientComments": "Thorsvald Eisenkrautz",
    }
    for keyword, value in said.items():
        setattr(dataset, keyword, value)
    options = Options(clean_pixels=True, clean_descriptors=True)
    report, copy = await copied(copying, dataset, options)
    assert copy.StudyDescription == "CT THORAX"
    assert copy.SeriesDescription == "ax t2 tse 3mm"
    body = as_file(copy).upper()
    for secret in ("ZZKANARIE", "QUETZAL", "BRUNHILD", "1977", "4711", "0815", "960114", "EISENKR"):
        assert secret.encode() not in body, secret
    assert report["methods"] == ["113100", "113101", "113105"]
    assert report["attributes"]["cleaned"] >= 2
    assert "PatientComments" not in copy
    _, plain = await copied(copying, dataset)
    assert "StudyDescription" not in plain


async def test_safe_private_attributes_are_numbers_or_go(copying: Copying) -> None:
    dataset = ultrasound(ground(), BurnedInAnnotation="NO")
    block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "0.00013")
    block.add_new(0x09, "LO", "Zzkanarie")
    block.add_new(0x03, "DS", "4711")
    other = dataset.private_block(0x7055, "Philips PET Private Group", create=True)
    other.add_new(0x00, "DS", "4711")
    options = Options(clean_pixels=True, safe_private=True)
    report, copy = await copied(copying, dataset, options)
    kept = [element for element in copy.iterall() if element.tag.is_private]
    assert [(int(one.tag), str(one.value)) for one in kept] == [
        (0x70530010, "Philips PET Private Group"),
        (0x70531000, "0.00013"),
    ]
    assert "113111" in report["methods"]


SAMPLE = (
    *("pydicom-test_files/CT_small.dcm", "pydicom-test_files/SC_rgb_rle_16bit_2frame.dcm"),
    *("pydicom-test_files/SC_rgb_small_odd_jpeg.dcm", "pydicom-test_files/SC_rgb_rle_32bit.dcm"),
    "pydicom-test_files/MR_small_RLE.dcm",
)


async def test_public_images_of_other_kinds_are_taken_and_change_inside_their_areas_only(
    copying: Copying, test_data: Path
) -> None:
    taken = 0
    for name in SAMPLE:
        path = test_data / "dicom" / name
        if not path.is_file():
            continue
        report, body = await copying.copy(path.read_bytes(), KEY, PIXELS)
        before, after = pydicom.dcmread(path), pydicom.dcmread(BytesIO(body))
        share = float((before.pixel_array != after.pixel_array).mean())
        assert share <= report["pixels"]["blackedShare"] + 1e-6, name
        taken += 1
    assert taken >= 3


async def test_anatomy_is_no_writing(copying: Copying, test_data: Path) -> None:
    """A radiograph whose hila look like words to the detector keeps them; its side marker goes."""
    (path,) = (test_data / "dicom" / "torchxrayvision").glob("1.2.276.*.dcm")
    whole = pydicom.dcmread(path)
    pixels = whole.pixel_array[:512, 256:768]
    whole.Rows, whole.Columns = pixels.shape
    whole.PixelData, whole.file_meta.TransferSyntaxUID = pixels.tobytes(), ExplicitVRLittleEndian
    report, _ = await copied(copying, whole)
    assert report["pixels"]["blackedShare"] < 0.03
