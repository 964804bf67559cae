import { useEffect, useMemo, useRef } from "react";
import { Canvas } from "./canvas/Canvas";
import { useRunNews } from "./overlay";
import { BuilderContext, createBuilder, useBuilder } from "./state";
import styles from "./Builder.module.css";

interface Props {
  /** The text of the version that the run is on. */
  source: string;
  run: string;
  /** A step was chosen, by its id. */
  onStep: (id: string) => void;
}

/** What a run did, on the canvas of its own version: state and time on each step, as it happens.
 * Nothing can be changed here. */
export default function RunCanvas({ source, run, onStep }: Props) {
  const store = useMemo(() => {
    const made = createBuilder({ text: source, moves: {}, pinned: {} });
    made.getState().lock(true);
    made.getState().set({ run });
    return made;
  }, [source, run]);
  return (
    <BuilderContext.Provider value={store}>
      <div className={styles.stage}>
        <Canvas palette={[]} openInspector={() => undefined} />
        <News onStep={onStep} />
      </div>
    </BuilderContext.Provider>
  );
}

function News({ onStep }: { onStep: (id: string) => void }) {
  useRunNews();
  const chosen = useBuilder(({ selection, picture }) => {
    const node = picture.flow.nodes.find(({ key }) => key === selection.node);
    return node?.kind === "step" ? node.step.id : null;
  });
  const tell = useRef(onStep);
  tell.current = onStep;
  useEffect(() => {
    if (chosen !== null) tell.current(chosen);
  }, [chosen]);
  return null;
}
