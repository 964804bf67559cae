/** Frames of an image: fetched once, the latest kept, neighbours fetched ahead. */
import { send } from "../../../api/client";
import { instancePath, type Image } from "../dicom";
import { samplesOf, type Samples } from "./window";

export type Frame = { samples: Samples } | { picture: ImageBitmap };

const MOST_KEPT = 120;
const kept = new Map<string, Promise<Frame>>();

const keyOf = (image: Image, frame: number) => `${image.instance}/${frame}`;

/** One frame, counted from 0: samples to be windowed here, or a picture that the server drew. */
export function frameOf(image: Image, frame: number): Promise<Frame> {
  const key = keyOf(image, frame);
  const known = kept.get(key);
  if (known) {
    kept.delete(key);
    kept.set(key, known);
    return known;
  }
  const coming = image.grey ? samples(image, frame) : picture(image, frame);
  kept.set(key, coming);
  coming.catch(() => kept.delete(key));
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest) kept.delete(oldest);
  return coming;
}

async function samples(image: Image, frame: number): Promise<Frame> {
  const answer = await send("GET", `${instancePath(image)}/frames/${frame + 1}`, { accept: "application/octet-stream" });
  return { samples: samplesOf(image, await answer.arrayBuffer()) };
}

async function picture(image: Image, frame: number): Promise<Frame> {
  const answer = await send("GET", `${instancePath(image)}/frames/${frame + 1}/rendered`, { accept: "image/png" });
  return { picture: await createImageBitmap(await answer.blob()) };
}
