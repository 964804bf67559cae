/** Window and level: from stored samples to grey. PS3.3 C.11.2.1.2.1 (LINEAR). */
import type { Image, Window } from "../dicom";

export type Samples = Uint8Array | Int8Array | Uint16Array | Int16Array;

/** The samples of one frame, little endian as the server gives them. Raises when bytes are missing. */
export function samplesOf(image: Image, bytes: ArrayBuffer): Samples {
  const count = image.rows * image.columns;
  if (bytes.byteLength < (count * image.bits) / 8) throw new Error("The image is cut short");
  if (image.bits === 8) return image.signed ? new Int8Array(bytes, 0, count) : new Uint8Array(bytes, 0, count);
  return image.signed ? new Int16Array(bytes, 0, count) : new Uint16Array(bytes, 0, count);
}

/** Where nothing is stated, from the 0.5th to the 99.5th percentile of what is there. */
export function fullWindow(image: Image, samples: Samples): Window {
  const step = Math.max(1, Math.floor(samples.length / 20_000));
  const some: number[] = [];
  for (let at = 0; at < samples.length; at += step) some.push(samples[at] ?? 0);
  some.sort((one, other) => one - other);
  const value = (share: number) => (some[Math.min(some.length - 1, Math.floor(share * some.length))] ?? 0) * image.slope + image.intercept;
  const [low, high] = [value(0.005), value(0.995)];
  return { centre: (low + high) / 2, width: Math.max(1, high - low) };
}

/** For each stored sample its grey; index 0 is the lowest sample that the type can hold. */
export function table(image: Image, { centre, width }: Window, reversed: boolean): Uint8ClampedArray {
  const size = 2 ** image.bits;
  const lowest = image.signed ? -size / 2 : 0;
  const greys = new Uint8ClampedArray(size);
  const [middle, span] = [centre - 0.5, Math.max(width - 1, 1e-9)];
  const turned = image.inverted !== reversed;
  for (let at = 0; at < size; at++) {
    const value = (at + lowest) * image.slope + image.intercept;
    const grey = ((value - middle) / span + 0.5) * 255;
    greys[at] = turned ? 255 - grey : grey;
  }
  return greys;
}

/** Draw the samples as RGBA. */
export function paint(image: Image, samples: Samples, greys: Uint8ClampedArray): ImageData {
  const picture = new ImageData(image.columns, image.rows);
  const pixels = new Uint32Array(picture.data.buffer);
  const offset = image.signed ? greys.length / 2 : 0;
  for (let at = 0; at < samples.length; at++) {
    const grey = greys[(samples[at] ?? 0) + offset] ?? 0;
    pixels[at] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return picture;
}
