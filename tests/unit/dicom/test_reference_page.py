"""The reference page says what the code does."""

from __future__ import annotations

from pathlib import Path

from careloom.api.dicomweb.rendering import _FUNCTIONS
from careloom.dicom.index import INSTANCE, SERIES, STUDY
from careloom.dicom.limits import DicomLimits
from careloom.dicom.services.search import DEFAULT_LIMIT, MAX_LIMIT

PAGE = (Path(__file__).parents[3] / "docs/reference/dicom.md").read_text("utf-8")


def test_every_searchable_attribute_is_listed() -> None:
    listed = PAGE.split("Searchable: ")[1].split("\n")[0]
    for attribute in (*STUDY, *SERIES, *INSTANCE):
        assert attribute.keyword in listed


def test_limits_are_the_ones_in_force() -> None:
    limits = DicomLimits()
    for text in (
        f"| {limits.max_bytes >> 20} MiB |",
        f"| {limits.max_depth} levels |",
        f"| {limits.max_elements:,} |",
        f"| {limits.max_metadata_bytes >> 20} MiB |",
        f"| {limits.max_pixels_per_frame:,} |",
        f"| {limits.memory_bytes >> 30} GiB |",
        f"| {limits.cpu_seconds} s, {limits.wall_seconds:.0f} s |",
        f"(default {DEFAULT_LIMIT}, at most {MAX_LIMIT:,})",
    ):
        assert text in PAGE
    assert limits.max_inflated_bytes == limits.max_bytes


def test_every_window_function_is_named() -> None:
    for function in _FUNCTIONS:
        assert f"`{function}`" in PAGE
