/** Where something stands in a definition: keys of mappings and indexes of lists, from the root. */
export type Path = readonly (string | number)[];

export function samePath(first: Path, second: Path): boolean {
  return first.length === second.length && first.every((part, at) => part === second[at]);
}

/** True when `inner` is `outer` or stands inside it. */
export function within(inner: Path, outer: Path): boolean {
  return inner.length >= outer.length && outer.every((part, at) => part === inner[at]);
}

export function pathText(path: Path): string {
  return path.join("/");
}

/** The list and the place in it, of an item. */
export function placeOf(path: Path): { list: Path; index: number } {
  const index = path[path.length - 1];
  if (typeof index !== "number") throw new Error(`${pathText(path)} is not an item of a list`);
  return { list: path.slice(0, -1), index };
}
