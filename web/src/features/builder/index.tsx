import { useEffect, useState } from "react";
import { useLocation, useParams, useSearchParams } from "react-router";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Loading } from "../../ui/Loading";
import { Builder } from "./Builder";
import { type Opened, open } from "./open";

const visits = new WeakMap<object, number>();
let visited = 0;

/** Another number for each coming to an address, also when it is written into the browser's bar. */
function visitOf(location: object): number {
  const known = visits.get(location) ?? ++visited;
  visits.set(location, known);
  return known;
}

/** `#/workflows/<id>`, `#/workflows/new`, `#/workflows/new?template=…`, `…?draft=<id>`. */
export default function BuilderPage() {
  const { id = "new" } = useParams();
  const [params] = useSearchParams();
  const location = useLocation();
  const [opened, setOpened] = useState<{ key: string; is: Opened } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [again, setAgain] = useState(0);
  const [draft, template, resource] = [params.get("draft"), params.get("template"), params.get("resource")];
  // The address of a draft that was just begun here is written while it is open: that opens nothing.
  const kept = (location.state as { kept?: boolean } | null)?.kept === true && opened !== null;
  const key = kept ? opened.key : `${id} ${draft} ${template} ${resource} ${visitOf(location)} ${again}`;

  useEffect(() => {
    document.title = "Builder · Careloom";
  }, []);
  useEffect(() => {
    if (opened?.key === key) return;
    let gone = false;
    setError(null);
    open({ id, draft, template, resource }).then(
      (is) => !gone && setOpened({ key, is }),
      (wrong: unknown) => !gone && setError(wrong),
    );
    return () => {
      gone = true;
    };
  }, [key]);

  if (error) return <ErrorPanel error={error} what="The workflow cannot be opened" retry={() => setAgain(again + 1)} />;
  if (!opened || opened.key !== key) return <Loading what="the workflow" />;
  return <Builder key={opened.key} opened={opened.is} describe={params.has("describe")} />;
}
