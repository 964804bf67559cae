/** Lengths on an image, in millimetres where the image says how large a pixel is. */
import type { Image } from "../dicom";

export interface Point {
  x: number;
  y: number;
}

export interface Measure {
  id: number;
  from: Point;
  to: Point;
}

/** "34.2 mm", "34.2 mm on the detector", or "120 px" where no spacing is stated. */
export function lengthOf({ from, to }: Omit<Measure, "id">, spacing: Image["spacing"]): string {
  const [wide, tall] = [to.x - from.x, to.y - from.y];
  if (!spacing) return `${Math.round(Math.hypot(wide, tall))} px`;
  const long = Math.hypot(wide * spacing.column, tall * spacing.row);
  return `${long.toFixed(1)} mm${spacing.projected ? " on the detector" : ""}`;
}
