/** DICOM JSON (PS3.18 Annex F) as the screens need it. https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html */

interface Element {
  vr: string;
  Value?: unknown[];
}

export type DataSet = Record<string, Element>;

const TAGS = {
  studyDate: "00080020",
  studyTime: "00080030",
  accession: "00080050",
  modality: "00080060",
  modalities: "00080061",
  studyDescription: "00081030",
  seriesDescription: "0008103E",
  sopClass: "00080016",
  sopInstance: "00080018",
  patientName: "00100010",
  patientId: "00100020",
  birthDate: "00100030",
  sex: "00100040",
  bodyPart: "00180015",
  frameTime: "00181063",
  frameRate: "00180040",
  imagerPixelSpacing: "00181164",
  study: "0020000D",
  series: "0020000E",
  seriesNumber: "00200011",
  instanceNumber: "00200013",
  seriesInstances: "00201209",
  studySeries: "00201206",
  studyInstances: "00201208",
  samples: "00280002",
  photometric: "00280004",
  frames: "00280008",
  rows: "00280010",
  columns: "00280011",
  pixelSpacing: "00280030",
  bitsAllocated: "00280100",
  bitsStored: "00280101",
  representation: "00280103",
  windowCentre: "00281050",
  windowWidth: "00281051",
  intercept: "00281052",
  slope: "00281053",
} as const;

export type Name = keyof typeof TAGS;

export const values = (set: DataSet, name: Name): unknown[] => set[TAGS[name]]?.Value ?? [];

export function text(set: DataSet, name: Name): string {
  const [first] = values(set, name);
  if (first === undefined || first === null) return "";
  if (typeof first === "object") return personName((first as { Alphabetic?: string }).Alphabetic ?? "");
  return String(first);
}

export function number(set: DataSet, name: Name): number | undefined {
  const [first] = values(set, name);
  const read = typeof first === "number" ? first : typeof first === "string" ? Number(first) : NaN;
  return Number.isFinite(read) ? read : undefined;
}

/** "Rossi^Ada^^Dr" as "Rossi, Ada". */
export function personName(coded: string): string {
  const [family, given] = coded.split("^");
  return [family, given].filter(Boolean).join(", ");
}

/** "20261120" as "2026-11-20"; other texts as they are. */
export function date(coded: string): string {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(coded) ?? [];
  return year ? `${year}-${month}-${day}` : coded;
}

/** What is needed to show the samples of an image. */
export interface Image {
  study: string;
  series: string;
  instance: string;
  number: number;
  rows: number;
  columns: number;
  frames: number;
  /** Samples can be windowed here; else the server draws the picture. */
  grey: boolean;
  bits: number;
  signed: boolean;
  inverted: boolean;
  slope: number;
  intercept: number;
  window: Window | undefined;
  /** Millimetres between rows and between columns; on a detector, not in the body, if `projected`. */
  spacing: { row: number; column: number; projected: boolean } | undefined;
  /** Frames a second. */
  rate: number | undefined;
}

export interface Window {
  centre: number;
  width: number;
}

/** An instance's metadata as an image; undefined when it holds no picture. */
export function imageOf(set: DataSet): Image | undefined {
  const rows = number(set, "rows");
  const columns = number(set, "columns");
  if (!rows || !columns) return undefined;
  const photometric = text(set, "photometric");
  const time = number(set, "frameTime");
  const bits = number(set, "bitsAllocated") ?? 8;
  return {
    study: text(set, "study"),
    series: text(set, "series"),
    instance: text(set, "sopInstance"),
    number: number(set, "instanceNumber") ?? 0,
    rows,
    columns,
    frames: number(set, "frames") ?? 1,
    grey: photometric.startsWith("MONOCHROME") && (number(set, "samples") ?? 1) === 1 && (bits === 8 || bits === 16),
    bits,
    signed: number(set, "representation") === 1,
    inverted: photometric === "MONOCHROME1",
    slope: number(set, "slope") ?? 1,
    intercept: number(set, "intercept") ?? 0,
    window: windowOf(set),
    spacing: spacingOf(set),
    rate: number(set, "frameRate") ?? (time ? 1000 / time : undefined),
  };
}

function windowOf(set: DataSet): Window | undefined {
  const centre = number(set, "windowCentre");
  const width = number(set, "windowWidth");
  return centre !== undefined && width !== undefined && width >= 1 ? { centre, width } : undefined;
}

function spacingOf(set: DataSet): Image["spacing"] {
  for (const [name, projected] of [["pixelSpacing", false], ["imagerPixelSpacing", true]] as const) {
    const [row, column] = values(set, name).map(Number);
    if (row && column && row > 0 && column > 0) return { row, column, projected };
  }
  return undefined;
}

export const instancePath = ({ study, series, instance }: Pick<Image, "study" | "series" | "instance">): string =>
  `dicomweb/studies/${study}/series/${series}/instances/${instance}`;
