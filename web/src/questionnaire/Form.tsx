import { Fragment, useId, useMemo, type ReactNode } from "react";
import { Field } from "./Field";
import { begin, below, change, isCalculated, isEnabled, placeOf, type Answers, type Node, type Path } from "./model";
import { extension, type Item, type Questionnaire } from "./types";
import type { Words } from "./language";
import type { Source } from "./source";
import styles from "./form.module.css";

interface Props {
  form: Questionnaire;
  answers: Answers;
  onAnswers: (next: (before: Answers) => Answers) => void;
  words: Words;
  /** What finds options of large value sets and takes files. */
  source: Source;
  /** What is wrong, by place (`placeOf`) or by linkId. */
  faults?: ReadonlyMap<string, string>;
  /** What the server says is not asked now, by its names. */
  disabled?: ReadonlySet<string>;
  /** A calculated answer was changed by hand. */
  onEdited?: (linkId: string) => void;
  readOnly?: boolean;
  /** What a model suggested, in words, by linkId. */
  suggested?: ReadonlyMap<string, string>;
}

/** A Questionnaire as a form: groups, repeats, conditions, every type of question. */
export function Form(props: Props) {
  return (
    <div className={styles.form}>
      <Level {...props} items={props.form.item ?? []} at={props.answers} scopes={[props.answers]} path={[]} name="" depth={0} />
    </div>
  );
}

interface LevelProps extends Props {
  items: readonly Item[];
  at: Answers;
  scopes: readonly Answers[];
  path: Path;
  /** What the server puts before the linkIds of this level. */
  name: string;
  depth: number;
}

function Level(props: LevelProps): ReactNode {
  return props.items.map((item) => {
    if (!isEnabled(item, props.scopes) || props.disabled?.has(props.name + item.linkId) || extension(item, "questionnaire-hidden") === true) return null;
    if (item.type === "display") return <Display key={item.linkId} item={item} />;
    if (item.type === "group") return <Group key={item.linkId} {...props} item={item} />;
    return <Question key={item.linkId} {...props} item={item} />;
  });
}

type ItemProps = LevelProps & { item: Item };

const Display = ({ item }: { item: Item }) => <p className={styles.display}>{textOf(item)}</p>;

const textOf = ({ prefix, text }: Item): string => [prefix, text].filter(Boolean).join(" ");

function Group(props: ItemProps) {
  const { item, at, words, readOnly } = props;
  const nodes = at[item.linkId] ?? [];
  const set = (act: (nodes: readonly Node[]) => readonly Node[]) => props.onAnswers((before) => change(before, props.path, item.linkId, act));
  return (
    <fieldset className={styles.group} data-depth={props.depth}>
      {item.text && <legend>{textOf(item)}</legend>}
      {nodes.map((node, index) => (
        <div key={index} className={item.repeats ? styles.instance : styles.plain}>
          <Level
            {...props}
            items={item.item ?? []}
            at={node.items}
            scopes={[node.items, ...props.scopes]}
            path={[...props.path, [item.linkId, index]]}
            name={below(props.name, item, index)}
            depth={props.depth + 1}
          />
          {item.repeats && nodes.length > 1 && !readOnly && (
            <button type="button" className={styles.small} onClick={() => set((all) => all.filter((_, other) => other !== index))}>
              {words.remove}
            </button>
          )}
        </div>
      ))}
      {item.repeats && !readOnly && (
        <button type="button" className={styles.small} onClick={() => set((all) => [...all, { items: begin(item.item) }])}>
          {words.another}
        </button>
      )}
    </fieldset>
  );
}

function Question(props: ItemProps) {
  const { item, at, words } = props;
  const id = useId();
  const nodes = at[item.linkId] ?? [];
  const place = placeOf(props.path, item.linkId);
  const fault = props.faults?.get(place) ?? props.faults?.get(item.linkId);
  const suggested = props.suggested?.get(item.linkId);
  const readOnly = props.readOnly || item.readOnly === true;
  const help = useMemo(() => item.item?.filter((one) => one.type === "display").map(textOf).join(" ") ?? "", [item]);
  const further = item.item?.filter((one) => one.type !== "display") ?? [];
  const described = [help && `${id}-help`, fault && `${id}-fault`, suggested && `${id}-said`].filter(Boolean).join(" ");
  return (
    <div className={styles.question} data-wrong={fault ? true : undefined} data-link={item.linkId}>
      <span className={styles.label} id={`${id}-label`}>
        {textOf(item) || item.linkId}
        {item.required && (
          <span className={styles.required}>
            {" "}
            {words.required}
          </span>
        )}
      </span>
      {help && (
        <span className={styles.help} id={`${id}-help`}>
          {help}
        </span>
      )}
      <Field
        form={props.form}
        item={item}
        nodes={nodes}
        readOnly={readOnly}
        words={words}
        labelledBy={`${id}-label`}
        describedBy={described || undefined}
        wrong={fault !== undefined}
        source={props.source}
        onNodes={(act) => {
          if (isCalculated(item)) props.onEdited?.(item.linkId);
          props.onAnswers((before) => change(before, props.path, item.linkId, act));
        }}
      />
      {suggested && (
        <span className={styles.help} id={`${id}-said`}>
          {words.suggested} {suggested}
        </span>
      )}
      {fault && (
        <span className={styles.fault} id={`${id}-fault`} role="alert">
          {fault}
        </span>
      )}
      {further.length > 0 &&
        nodes.map((node, index) => (
          <Fragment key={index}>
            <Level {...props} items={further} at={node.items} scopes={[node.items, ...props.scopes]} path={[...props.path, [item.linkId, index]]} depth={props.depth + 1} />
          </Fragment>
        ))}
    </div>
  );
}
