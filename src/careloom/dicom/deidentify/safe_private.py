"""Private attributes that the standard lists as safe, of them those that hold numbers or codes.

PS3.15 Table E.3.10-1; a value that has not the form of its type is removed all the same.
https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_E.3.10.html
"""

from __future__ import annotations

from pydicom.dataset import Dataset

SAFE_PRIVATE: dict[tuple[int, str], dict[int, str]] = {
    (0x0019, "GEMS_ACQU_01"): {0x23: "DS", 0x24: "DS", 0x27: "DS"},
    (0x0025, "GEMS_SERS_01"): {0x07: "SL"},
    (0x0043, "GEMS_PARM_01"): {0x6F: "DS"},
    (0x0045, "GEMS_HELIOS_01"): {0x01: "SS", 0x02: "FL"},
    (0x00E1, "ELSCINT1"): {0x21: "DS", 0x50: "DS"},
    (0x01E1, "ELSCINT1"): {0x26: "CS"},
    (0x01F1, "ELSCINT1"): {0x01: "CS", 0x07: "DS", 0x26: "DS", 0x27: "DS"},
    (0x0903, "GEIIS PACS"): {0x10: "US", 0x11: "US", 0x12: "US"},
    (0x2005, "Philips MR Imaging DD 001"): {0x0D: "FL", 0x0E: "FL"},
    (0x7053, "Philips PET Private Group"): {0x00: "DS", 0x09: "DS"},
}
"""Value representation by group, private creator and the last byte of the element."""


def safe(dataset: Dataset, tag: int) -> tuple[str, int, str] | None:
    """VR, tag of the creator's element and the creator's own words of a safe attribute."""
    group, element = tag >> 16, tag & 0xFFFF
    if element < 0x1000:
        return None
    place = group << 16 | element >> 8
    creator = str(dataset[place].value).strip() if place in dataset else ""
    vr = SAFE_PRIVATE.get((group, creator), {}).get(element & 0xFF)
    return (vr, place, creator) if vr is not None else None
