/** Addresses that stand in payloads: images, stored files and resources. */

export interface Instance {
  study: string;
  series: string;
  instance: string;
}

/** Study, series and instance of `dicom://study/series/instance`; null for other texts. */
export function instanceOf(uri: unknown): Instance | null {
  const [, study, series, instance] =
    (typeof uri === "string" && /^dicom:\/\/([0-9.]+)\/([0-9.]+)\/([0-9.]+)$/.exec(uri)) || [];
  return study && series && instance ? { study, series, instance } : null;
}

/** Bucket and name of `file://bucket/name`; null for other texts. */
export function fileOf(uri: unknown): { bucket: string; name: string } | null {
  const address = /^file:\/\/([a-z0-9][a-z0-9-]{0,62})\/([A-Za-z0-9][A-Za-z0-9._ ()-]{0,199})$/;
  const [, bucket, name] = (typeof uri === "string" && address.exec(uri)) || [];
  return bucket && name ? { bucket, name } : null;
}

/** Whether a text is `Patient/123`. */
export const isReference = (text: unknown): text is string =>
  typeof text === "string" && /^[A-Z][A-Za-z]{2,40}\/[A-Za-z0-9.-]{1,64}$/.test(text);

/** Every text that stands somewhere in a value and is wanted, each once. */
export function found(value: unknown, wanted: (text: string) => boolean): string[] {
  const texts = new Set<string>();
  const look = (one: unknown): void => {
    if (typeof one === "string") {
      if (wanted(one)) texts.add(one);
    } else if (one && typeof one === "object") Object.values(one).forEach(look);
  };
  look(value);
  return [...texts];
}

export const instancesIn = (value: unknown) => found(value, (text) => instanceOf(text) !== null);
export const filesIn = (value: unknown) => found(value, (text) => fileOf(text) !== null);
