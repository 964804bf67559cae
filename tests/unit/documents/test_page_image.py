"""Preparation of page images and the search for lines."""

from __future__ import annotations

import numpy as np
import pytest

from careloom.documents.line_boxes import find_runs
from careloom.documents.ocr import assemble
from careloom.documents.page_image import despeckle, is_bilevel, prepare, rotate, skew
from careloom.documents.recogniser import Reading, with_outputs
from careloom.samples.referral_letters import ROUTINE, digital_pdf
from careloom.samples.referral_scan import degrade, draw_pages, fax_page


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return np.asarray(draw_pages(digital_pdf(ROUTINE), 200)[0])


@pytest.mark.parametrize("angle", [-2.3, -0.4, 0.0, 0.7, 3.1])
def test_a_skewed_page_is_levelled(page: np.ndarray, angle: float) -> None:
    assert skew(rotate(page, -angle)) == pytest.approx(angle, abs=0.1)


def test_a_fax_is_told_from_a_scan(page: np.ndarray) -> None:
    image = draw_pages(digital_pdf(ROUTINE), 120)[0]
    rng = np.random.default_rng(1)
    assert is_bilevel(np.where(fax_page(image, rng), 255, 0).astype(np.uint8))
    assert not is_bilevel(np.asarray(degrade(image, rng)))


def test_speckles_go_and_full_stops_stay() -> None:
    spotted = np.full((40, 40), 255, np.uint8)
    spotted[5, 5] = 0
    spotted[20:23, 20:23] = 0
    clean = despeckle(spotted)
    assert clean[5, 5] == 255
    assert (clean[20:23, 20:23] == 0).all()


def test_every_line_is_found_once_and_in_order(page: np.ndarray) -> None:
    wanted = [line for line in ROUTINE.splitlines() if line.strip()]
    rng = np.random.default_rng(3)
    scanned = np.asarray(degrade(draw_pages(digital_pdf(ROUTINE), 200)[0], rng))
    for image in (page, scanned):
        grey, _ = prepare(image)
        runs = find_runs(grey)
        assert runs[-1].line + 1 == len(wanted)
        assert [run.line for run in runs] == sorted(run.line for run in runs)


def test_an_empty_page_has_no_lines_and_no_confidence() -> None:
    grey, angle = prepare(np.full((1200, 900), 250, np.uint8))
    assert find_runs(grey) == []
    assert angle == 0
    assert assemble([], []) == {"text": "", "confidence": None, "lines": []}


def test_confidence_is_the_mean_of_the_characters() -> None:
    assert Reading("ab", [0, 1], [1.0, 0.5], 8.0).confidence == 0.75
    assert Reading("", [], [], 8.0).confidence == 0.0


def test_outputs_are_only_added_to_a_model() -> None:
    with pytest.raises(ValueError, match="no graph"):
        with_outputs(b"", ["x"])
    graph = with_outputs(b"\x3a\x00", ["ab"])
    assert graph == b"\x3a\x06\x62\x04\x0a\x02ab"
