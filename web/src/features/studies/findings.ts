/** What models said of the images of a study: Observations that derive from its ImagingStudy.
 * http://hl7.org/fhir/R4/observation.html */

/** How much each cell of a grid over the image's centre square mattered, 0 to 1, row by row; worked
 * out anew by `GET /api/image-explanations`. */
export interface Grid {
  size: number;
  cells: number[];
}

export interface Finding {
  id: string;
  /** What it says. */
  said: string;
  status: string;
  at: string | undefined;
  /** P(finding), where the model gave one. */
  probability: number | undefined;
  /** The local model that said it, which can be asked where it looked. */
  model: string | undefined;
  instance: string | undefined;
}

interface Component {
  code?: { text?: string; coding?: { code?: string }[] };
  valueQuantity?: { value?: number };
  valueString?: string;
}

export interface Observation {
  id: string;
  status: string;
  valueString?: string;
  code?: { text?: string };
  issued?: string;
  meta?: { lastUpdated?: string };
  component?: Component[];
}

const coded = (observation: Observation, code: string) =>
  observation.component?.find((one) => one.code?.coding?.some((coding) => coding.code === code));

export function findingOf(observation: Observation): Finding {
  return {
    id: observation.id,
    said: observation.valueString ?? observation.code?.text ?? "A finding",
    status: observation.status,
    at: observation.issued ?? observation.meta?.lastUpdated,
    probability: coded(observation, "probability")?.valueQuantity?.value,
    model: coded(observation, "model")?.valueString,
    instance: coded(observation, "instance")?.valueString,
  };
}

/** The cells of a grid as rectangles over the image's centre square, which is what the model saw. */
export function heat({ size, cells }: Grid, columns: number, rows: number) {
  const side = Math.min(columns, rows);
  const [left, top] = [(columns - side) / 2, (rows - side) / 2];
  const cell = side / size;
  return cells.flatMap((share, at) =>
    share > 0.05
      ? [{ x: left + (at % size) * cell, y: top + Math.floor(at / size) * cell, width: cell, height: cell, share: Math.min(1, share) }]
      : [],
  );
}
