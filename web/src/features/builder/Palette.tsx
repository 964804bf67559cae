import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { Icon } from "../../ui/Icon";
import { beginDrag } from "./canvas/dragging";
import { type Component, GROUPS, found, groupWord } from "./components";
import { add, placeNow } from "./edits";
import styles from "./Palette.module.css";
import { useBuilderStore } from "./state";

/** Everything that can be put on the canvas: drag it there, or click to add it after the selection. */
export function Palette({ components }: { components: readonly Component[] }) {
  const store = useBuilderStore();
  const [words, setWords] = useState("");
  const groups = useMemo(() => grouped(found(components, words)), [components, words]);
  return (
    <section className={styles.palette} aria-label="Components">
      <div className={styles.search}>
        <Icon of={Search} size={14} />
        <input
          type="search"
          aria-label="Search components"
          placeholder="Search"
          value={words}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={(event) => {
            const first = groups[0]?.[1][0];
            if (event.key === "Enter" && first && add(store, first, placeNow(store))) setWords("");
          }}
        />
        <kbd>/</kbd>
      </div>
      <div className={styles.groups}>
        {groups.map(([group, members]) => (
          <div key={group} role="group" aria-label={groupWord(group)}>
            <h2 className={styles.group}>{groupWord(group)}</h2>
            <ul className={styles.list}>
              {members.map((one) => (
                <li key={one.key}>
                  <button
                    type="button"
                    className={styles.item}
                    data-group={one.group}
                    data-component={one.key}
                    title={one.says}
                    onPointerDown={(event) => beginDrag(event, one.key, one.title)}
                    onClick={() => add(store, one, placeNow(store))}
                  >
                    <span className={styles.icon}>
                      <Icon of={one.icon} size={15} />
                    </span>
                    {one.title}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        ))}
        {groups.length === 0 && <p className={styles.none}>Nothing is called that.</p>}
      </div>
    </section>
  );
}

function grouped(components: readonly Component[]): [string, Component[]][] {
  const groups = new Map<string, Component[]>();
  for (const one of components) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const order: readonly string[] = GROUPS;
  const rank = (group: string) => (order.includes(group) ? order.indexOf(group) : order.length);
  return [...groups].sort(([one], [other]) => rank(one) - rank(other));
}
