# ruff: noqa: E501, SIM905 - a pattern or word list on one line can be read and searched as one
"""Names of people as letters print them."""

from __future__ import annotations

import re

HONORIFIC = (
    r"(?:Mr|Mrs|Ms|Miss|Mx|Master|Baby (?:[Gg]irl|[Bb]oy)|Baby|Sir|Madam|Lady|Rev|Herrn?|Frau|Fr|Hr|M|Mme|Mlle|Monsieur|"
    r"Madame|Mademoiselle|Sr|Sra|Srta|Señora?|Don|Doña|D|Dña|Dª|Shri|Smt|Kum)(?![\w'’-])\.?"
)
TITLE = (
    r"(?:(?:Professor|Prof\.?|Dr\.?|Dra\.?|Dre\.?|Mr\.?|Mrs\.?|Ms\.?|Miss|Sister|Staff Nurse|Nurse|"
    r"Charge Nurse|Herr|Frau|Mme|M\.|Sr\.?|Sra\.?|Doctor|Doctora|Docteur|PD|Priv\.-Doz\.)(?:\s+med\.)?)"
)
PARTICLE = (
    r"(?:van|von|der|den|de|del|della|di|da|dos|das|du|la|le|las|los|el|al|bin|bint|ibn|ter|ten|zu|"
    r"zum|vom|af|av|y|Ní|Nic|Ó|O|Mac|Mc|St\.?|Ben|Abu)(?![\w'’])"
)
_UP = r"A-ZÀ-ÖØ-ÞŁŞĞİŚŻŹĆČŠŽÅŐ"
_LOW = r"a-zà-öø-ÿıłşğśżźćčšžőń"
WORD = rf"(?:[{_UP}]\.(?=\s)|[{_UP}][{_UP}{_LOW}]*(?:['’][{_UP}{_LOW}]+)*(?:-[{_UP}{_LOW}][{_UP}{_LOW}'’]*)*)"
_LABELS = r"(?:DOB|D\.O\.B|NHS|MRN|Hosp|Tel|Phone|Mob|Mobile|Date|Female|Male|Sex|Medicare|CHI|UHID|HRN|Geb|Born|Aged?|URN|ID)(?![\w'’-])"
FULL = rf"(?:{WORD}|{PARTICLE})(?:[ \t](?!{_LABELS})(?:{WORD}|{PARTICLE})){{0,5}}"
_AFTER_NAME = (
    r"(?:DOB|D\.O\.B|NHS|MRN|Hosp\w*|Age|Aged|Born|Tel|Phone|Mob\w*|Date|Female|Male|Sex|Mr|Mrs|Ms|Dr|Medicare|CHI|UHID|HRN|"
    r"Geb\w*|Née?|Nacid[oa]|Re|Room|Flat|No|The|GP|F|M|UR|URN|ID|Patient|Consultant|Ward|Bed|Street|Road)(?![\w'’-])"
)
SURNAME_FIRST = (
    rf"(?:{PARTICLE} )*{WORD}(?: (?:{PARTICLE} )*{WORD}){{0,2}},[ \t]?(?!{WORD}[/.]\w)(?!{_AFTER_NAME}){WORD}(?!\d)"
    rf"(?:[ ](?!{_AFTER_NAME})(?:{WORD}|{PARTICLE})){{0,3}}"
)

_NOT_NAMES = frozenset(
    "the dear re ref date dob nhs patient name clinic hospital surgery practice medical centre center "
    "department team urgent routine referral letter male female gp phone tel mobile address sex age born "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july "
    "august september october november december outpatients consultant colleague colleagues doctor thank "
    "thanks please with who this fax email time page from to subject copy cc no number medicare mrn "
    "service unit health street road lane house history presenting problem reason diagnosis yours sincerely "
    "kind regards many best new old mum dad mother father son daughter wife husband lady gentleman child "
    "girl examined emergency priority hosp id sehr geehrte chère cher estimado estimada her his she "
    "he it we i my our has had was is are re: betrifft concerne objet asunto st".split()
)


def parse_name(raw: str, language: str) -> tuple[str | None, str | None]:
    """(family, given) of a printed name; None for a part that is not there."""
    raw = re.sub(r"\([^)]*\)", " ", raw)
    raw = re.sub(r"(?<=\w\w)\s+[MFmf]$", "", raw.strip())
    raw = re.sub(
        r"^(?:(?:Enfant|Child|Kind|Baby|Resident|Niñ[oa]|Patiente?)\s+|(?:D|Dª)\.\s+)(?=\S{2,})",
        "",
        raw,
    )
    if re.match(rf"{HONORIFIC}\s+\S+\s+[^,]+,", raw):
        raw = raw.split(",")[0]
    raw = re.sub(r"\s+", " ", raw).strip(" .,;:-/")
    while True:
        shorter = re.sub(rf"^{HONORIFIC}\s+(?=\S{{2,}})", "", raw)
        if len(raw.split()[0].rstrip(".")) == 1 and not raw.split()[0].startswith("M"):
            break
        if shorter == raw:
            break
        raw = shorter
    raw = re.sub(r",?\s+(?:Jr|Sr|II|III|OBE|MBE|Esq)\.?$", "", raw)
    if "," in raw:
        family, _, given = raw.partition(",")
        return _case(family), _case(given)
    tokens = raw.split()
    if not tokens:
        return None, None
    if len(tokens) == 1:
        return _case(tokens[0]), None
    cut = _family_start(tokens, language)
    return _case(" ".join(tokens[cut:])), _case(" ".join(tokens[:cut]))


def _family_start(tokens: list[str], language: str) -> int:
    """Index of the first token of the family name."""
    capitals = [len(t.rstrip(".")) > 1 and t.isupper() for t in tokens]
    if any(capitals) and not all(capitals):
        if capitals[0] and not capitals[-1]:
            # Family name first, in capitals: rotate by the caller's convention is not safe.
            last = max(i for i, c in enumerate(capitals) if c)
            tokens[:] = tokens[last + 1 :] + tokens[: last + 1]
            return len(tokens) - last - 1
        first = capitals.index(True)
        while first > 1 and re.fullmatch(PARTICLE, tokens[first - 1]):
            first -= 1
        return first
    cut = len(tokens) - 1
    if language == "es" and len(tokens) >= 3:
        cut = len(tokens) - 2
    while cut > 1 and re.fullmatch(PARTICLE, tokens[cut - 1]):
        cut -= 1
    return cut


def _case(name: str) -> str | None:
    """Capitals become ordinary spelling; mixed spelling stays as printed."""
    name = name.strip(" .,;:-")
    if not name:
        return None
    words = [
        re.sub(rf"[{_UP}]+", lambda m: m[0].capitalize(), w)
        if len(w) > 1 and w.isupper() and not re.fullmatch(r"[A-Z]\.?[A-Z]?\.?", w)
        else w
        for w in name.split()
    ]
    return " ".join(words)


def looks_like_name(text: str) -> bool:
    """No word of the letter's own vocabulary, at least one word of two letters."""
    words = [w.strip(".,:;()").lower() for w in text.split()]
    return (
        bool(words)
        and not any(w in _NOT_NAMES for w in words)
        and any(len(w) > 1 for w in words)
        and not any(c.isdigit() for c in text)
    )
