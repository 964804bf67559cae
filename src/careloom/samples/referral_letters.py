"""Three referral letters about people who do not exist, and how they arrive.

`digital_pdf(text)`, `scan_pdf(text, seed)` and `fax_pdf(text, seed)` draw any text; LETTERS are the
project's own. Numbers are from ranges kept for fiction.
"""

from __future__ import annotations

from careloom.samples.referral_pdf import digital_pdf
from careloom.samples.referral_scan import fax_pdf, scan_pdf

__all__ = ["LETTERS", "digital_pdf", "fax_pdf", "scan_pdf"]

ROUTINE = """\
                        HILLTOP FAMILY PRACTICE
                 5 Orchard Row, Westbridge, WB2 9QT
                         Tel 01632 960310

                                                  12 January 2026
Orthopaedic Outpatients
Westbridge General Hospital

Dear Colleague,

Re: Mr Desmond Harcastle, DOB 08/11/1957, NHS No 999 000 1234
    14 Quarry Street, Westbridge.  Home tel 01632 960377

Thank you for seeing this retired bus driver with right knee pain and stiffness for two
years, now limiting him to half a mile. He has had physiotherapy and one injection with
short relief. There is no locking, no fever and no night pain. He has not lost weight.

Weight bearing X-rays show loss of the medial joint space. His brother had bowel cancer.

Current medication: paracetamol 1 g qds, amlodipine 5 mg od. Naproxen was stopped in
2024 because of reflux.
Allergies: none known.

He would like to talk about a replacement. Routine appointment please.

Yours sincerely,

Dr Imogen Farrier
"""

URGENT = """\
CABINET MÉDICAL DU VERGER                         DEMANDE DE CONSULTATION
Dr Mathilde Corbin - Médecine générale

Nom : Lavandier                       Prénom : Hélène
Date de naissance : 21/06/1961        Sexe : F
Tél. : 06 39 98 45 10
Date : 14/01/2026                     Spécialité : Gastro-entérologie

Motif : dysphagie aux solides depuis six semaines, perte de poids de 5 kg
Pas de fièvre, pas de vomissement. Ancienne fumeuse.
Examen : abdomen souple, pas de masse. TA 128/76, FC 78, SpO2 98 % en air ambiant.
Traitement actuel : oméprazole 20 mg, lévothyroxine 75 µg. Ramipril arrêté en 2024.
Allergies : aucune connue

Merci de la recevoir rapidement pour une fibroscopie.
"""

EMERGENCY = """\
LOWFIELD WALK-IN CENTRE                                Time 16:40   Date 14/01/2026
SBAR HANDOVER TO ACUTE MEDICINE

S  Winifred STOKELEY, 82 yr female, DOB 03 Mar 1943, Hosp No LWF448211.
   More confused since last night, shivering and not drinking.

B  Lives with her son. Hypertension. Takes ramipril 5 mg and bisoprolol 2.5 mg.
   ALLERGY: penicillin (rash). Trimethoprim finished last week.

A  Obs: HR 122, BP 92/54, RR 26, SpO2 92% RA, T 38.9, C on ACVPU.

R  Please accept now, ambulance on scene. Tel for handover 01632 960388.

Staff Nurse O. Tillotson
"""

LETTERS: dict[str, str] = {"routine": ROUTINE, "urgent": URGENT, "emergency": EMERGENCY}
"""One letter for each urgency."""
