"""The units of UCUM that health records use. https://ucum.org/ucum (version 2.1)

Each atom is a number and the unit it counts, both as UCUM states them; base units and units that
count by convention stand for themselves.
"""

from __future__ import annotations

PREFIXES = {
    "Y": "1e24", "Z": "1e21", "E": "1e18", "P": "1e15", "T": "1e12", "G": "1e9", "M": "1e6",
    "k": "1e3", "h": "1e2", "da": "1e1", "d": "1e-1", "c": "1e-2", "m": "1e-3", "u": "1e-6",
    "n": "1e-9", "p": "1e-12", "f": "1e-15", "a": "1e-18", "z": "1e-21", "y": "1e-24",
    "Ki": "1024", "Mi": "1048576", "Gi": "1073741824", "Ti": "1099511627776",
}  # fmt: skip

BASE = ("m", "s", "g", "rad", "K", "C", "cd")

ARBITRARY = (
    "[iU]", "[IU]", "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]",
    "[anti'Xa'U]", "[todd'U]", "[dye'U]", "[smgy'U]", "[bdsk'U]", "[ka'U]", "[knk'U]",
    "[mclg'U]", "[tb'U]", "[CCID_50]", "[TCID_50]", "[EID_50]", "[PFU]", "[FFU]", "[CFU]", "[IR]",
    "[BAU]", "[AU]", "[Amb'a'1'U]", "[PNU]", "[Lf]", "[D'ag'U]", "[FEU]", "[ELU]", "[EU]",
    "[NTU]", "[FNU]", "[GRU]", "[hp'_X]", "[hp'_C]", "[hp'_M]", "[hp'_Q]", "[kp'_X]",
    "[MET]", "[S]", "[HPF]", "[LPF]", "[CAE'U]", "bit",
)  # fmt: skip
"""Units of arbitrary kind; none of them can be converted into another."""

METRIC: dict[str, tuple[str, str]] = {
    "mol": ("6.0221367e23", "1"), "sr": ("1", "rad2"), "Hz": ("1", "s-1"),
    "N": ("1", "kg.m/s2"), "Pa": ("1", "N/m2"), "J": ("1", "N.m"), "W": ("1", "J/s"),
    "A": ("1", "C/s"), "V": ("1", "J/C"), "F": ("1", "C/V"), "Ohm": ("1", "V/A"),
    "S": ("1", "Ohm-1"), "Wb": ("1", "V.s"), "T": ("1", "Wb/m2"), "H": ("1", "Wb/A"),
    "lm": ("1", "cd.sr"), "lx": ("1", "lm/m2"), "Bq": ("1", "s-1"), "Gy": ("1", "J/kg"),
    "Sv": ("1", "J/kg"), "kat": ("1", "mol/s"), "U": ("1", "umol/min"), "l": ("1", "dm3"),
    "L": ("1", "dm3"), "ar": ("100", "m2"), "t": ("1e3", "kg"), "bar": ("1e5", "Pa"),
    "u": ("1.6605402e-24", "g"), "eV": ("1.60217733e-19", "J"), "pc": ("3.085678e16", "m"),
    "g%": ("1", "g/dl"), "osm": ("1", "mol"), "eq": ("1", "mol"), "cal": ("4.184", "J"),
    "cal_th": ("4.184", "J"), "cal_IT": ("4.1868", "J"), "cal_m": ("4.19002", "J"),
    "dyn": ("1", "g.cm/s2"), "erg": ("1", "dyn.cm"), "P": ("1", "dyn.s/cm2"),
    "Ci": ("3.7e10", "Bq"),
    "R": ("2.58e-4", "C/kg"), "RAD": ("100", "erg/g"), "REM": ("1", "RAD"), "G": ("1e-4", "T"),
    "st": ("1", "m3"), "By": ("8", "bit"), "kat_m": ("1", "mol/s"), "gf": ("9.80665", "g.m/s2"),
    "m[H2O]": ("9.80665e3", "Pa"), "m[Hg]": ("133.322e3", "Pa"), "St": ("1", "cm2/s"),
    "Lmb": ("0.318309886183790671537767526745", "cd/cm2"), "[e]": ("1.60217733e-19", "C"),
}  # fmt: skip
"""Units that take a prefix."""

PLAIN: dict[str, tuple[str, str]] = {
    "10*": ("10", "1"), "10^": ("10", "1"), "%": ("0.01", "1"), "[ppth]": ("1e-3", "1"),
    "[ppm]": ("1e-6", "1"), "[ppb]": ("1e-9", "1"), "[pptr]": ("1e-12", "1"),
    "[pi]": ("3.1415926535897932384626433832795", "1"),
    "deg": ("2", "[pi].rad/360"), "gon": ("0.9", "deg"), "'": ("1", "deg/60"), "''": ("1", "'/60"),
    "circ": ("2", "[pi].rad"), "min": ("60", "s"), "h": ("60", "min"), "d": ("24", "h"),
    "wk": ("7", "d"), "a": ("365.25", "d"), "a_j": ("365.25", "d"), "a_g": ("365.2425", "d"),
    "a_t": ("365.24219", "d"), "mo": ("30.4375", "d"), "mo_j": ("30.4375", "d"),
    "mo_s": ("29.53059", "d"), "mo_g": ("30.436875", "d"), "atm": ("101325", "Pa"),
    "att": ("98066.5", "Pa"), "AU": ("149597.870691e6", "m"), "[c]": ("299792458", "m/s"),
    "[g]": ("9.80665", "m/s2"), "[in_i]": ("2.54", "cm"), "[ft_i]": ("12", "[in_i]"),
    "[yd_i]": ("3", "[ft_i]"), "[mi_i]": ("5280", "[ft_i]"), "[nmi_i]": ("1852", "m"),
    "[kn_i]": ("1", "[nmi_i]/h"), "[sin_i]": ("1", "[in_i]2"), "[sft_i]": ("1", "[ft_i]2"),
    "[syd_i]": ("1", "[yd_i]2"), "[cin_i]": ("1", "[in_i]3"), "[cft_i]": ("1", "[ft_i]3"),
    "[cyd_i]": ("1", "[yd_i]3"), "[mil_i]": ("1e-3", "[in_i]"), "[hd_i]": ("4", "[in_i]"),
    "[fth_i]": ("6", "[ft_i]"), "[in_us]": ("1", "[ft_us]/12"), "[ft_us]": ("1200", "m/3937"),
    "[yd_us]": ("3", "[ft_us]"), "[mi_us]": ("5280", "[ft_us]"), "[acr_us]": ("43560", "[ft_us]2"),
    "[smi_us]": ("1", "[mi_us]2"), "[gal_us]": ("231", "[in_i]3"), "[qt_us]": ("1", "[gal_us]/4"),
    "[pt_us]": ("1", "[qt_us]/2"), "[cup_us]": ("16", "[tbs_us]"), "[foz_us]": ("1", "[gil_us]/4"),
    "[gil_us]": ("1", "[pt_us]/4"), "[fdr_us]": ("1", "[foz_us]/8"),
    "[min_us]": ("1", "[fdr_us]/60"),
    "[tbs_us]": ("1", "[foz_us]/2"), "[tsp_us]": ("1", "[tbs_us]/3"),
    "[bbl_us]": ("42", "[gal_us]"),
    "[cup_m]": ("240", "mL"), "[tbs_m]": ("15", "mL"), "[tsp_m]": ("5", "mL"),
    "[foz_m]": ("30", "mL"), "[gal_br]": ("4.54609", "l"), "[qt_br]": ("1", "[gal_br]/4"),
    "[pt_br]": ("1", "[qt_br]/2"), "[gil_br]": ("1", "[pt_br]/4"), "[foz_br]": ("1", "[gil_br]/5"),
    "[gr]": ("64.79891", "mg"), "[lb_av]": ("7000", "[gr]"), "[oz_av]": ("1", "[lb_av]/16"),
    "[dr_av]": ("1", "[oz_av]/16"), "[stone_av]": ("14", "[lb_av]"),
    "[scwt_av]": ("100", "[lb_av]"),
    "[lcwt_av]": ("112", "[lb_av]"), "[ston_av]": ("2000", "[lb_av]"),
    "[lton_av]": ("2240", "[lb_av]"),
    "[lb_tr]": ("12", "[oz_tr]"), "[oz_tr]": ("480", "[gr]"), "[pwt_tr]": ("24", "[gr]"),
    "[lb_ap]": ("12", "[oz_ap]"), "[oz_ap]": ("480", "[gr]"), "[dr_ap]": ("60", "[gr]"),
    "[sc_ap]": ("20", "[gr]"), "[lbf_av]": ("1", "[lb_av].[g]"), "[psi]": ("1", "[lbf_av]/[in_i]2"),
    "[in_i'H2O]": ("2.54", "cm[H2O]"), "[in_i'Hg]": ("2.54", "cm[Hg]"),
    "[Btu_th]": ("1.05435", "kJ"),
    "[Btu_IT]": ("1.05505585262", "kJ"), "[Btu]": ("1.05506", "kJ"), "[Cal]": ("1", "kcal_th"),
    "[HP]": ("550", "[ft_i].[lbf_av]/s"), "[PRU]": ("1", "mm[Hg].s/ml"), "[diop]": ("1", "m-1"),
    "[wood'U]": ("1", "mm[Hg].min/L"), "[drp]": ("0.05", "ml"), "[Ch]": ("1", "mm/3"),
    "[car_m]": ("0.2", "g"), "[m/s2/Hz^0.5]": ("1", "m.s-2"), "[degR]": ("5", "K/9"),
    "[pied]": ("32.48", "cm"), "[pouce]": ("1", "[pied]/12"), "[in_br]": ("2.539998", "cm"),
    "[ft_br]": ("12", "[in_br]"), "[mi_br]": ("5280", "[ft_br]"), "[knk_i]": ("1", "[nmi_i]/h"),
    "Gb": ("0.795774715459476678844418816862", "A"), "Ao": ("0.1", "nm"), "b": ("100", "fm2"),
    "ph": ("1e-4", "lx"), "mho": ("1", "S"), "sph": ("4", "[pi].sr"),
}  # fmt: skip
"""Units that take no prefix."""

SPECIAL: dict[str, tuple[str, str]] = {
    "Cel": ("1", "273.15"),
    "[degF]": ("5/9", "459.67"),
    "[degRe]": ("5/4", "218.52"),
}
"""Temperatures on scales with their own zero: kelvin = (value + zero) * factor."""
