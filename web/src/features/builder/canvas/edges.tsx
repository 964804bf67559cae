import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { Plus } from "lucide-react";
import { memo } from "react";
import type { FlowEdge, FlowNode } from "../../../graph/flow";
import { plusBetween } from "../../../graph";
import { Icon } from "../../../ui/Icon";
import { useActions } from "./actions";
import styles from "./edges.module.css";

export type CanvasEdge = Edge<{ edge: FlowEdge; from: FlowNode; to: FlowNode }, "flow">;

const ROUND = 8;

const FlowLine = memo(function FlowLine({ id, sourceX, sourceY, targetX, targetY, data }: EdgeProps<CanvasEdge>) {
  const { addAt, target } = useActions();
  if (!data) return null;
  const { edge, from, to } = data;
  const bend = to.kind === "join" ? targetY - 16 : edge.lane ? sourceY + 20 : (sourceY + targetY) / 2;
  const plus = plusBetween(from, to, edge);
  const place = edge.place;
  return (
    <>
      <BaseEdge id={id} path={line(sourceX, sourceY, targetX, targetY, bend)} className={styles.line} data-kind={edge.kind} />
      {(place || edge.label) && (
        <EdgeLabelRenderer>
          {edge.label && edge.kind !== "loop" && (
            <span className={styles.label} style={at(targetX, edge.lane ? sourceY + 34 : plus.y)}>
              {edge.label}
            </span>
          )}
          {place && (
            <button
              type="button"
              className={styles.plus}
              style={at(plus.x, plus.y)}
              data-target={target === edge.key || undefined}
              data-edge={edge.key}
              tabIndex={-1}
              aria-label={`Add a step before ${to.kind === "step" ? to.step.name : "the end"}`}
              onClick={() => addAt(place)}
            >
              <Icon of={Plus} size={12} />
            </button>
          )}
        </EdgeLabelRenderer>
      )}
    </>
  );
});

function at(x: number, y: number) {
  return { transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` };
}

/** Down, across at `bend`, and down again, with round corners. */
function line(fromX: number, fromY: number, toX: number, toY: number, bend: number): string {
  const across = toX - fromX;
  if (Math.abs(across) < 1) return `M${fromX},${fromY}L${toX},${toY}`;
  const radius = Math.min(ROUND, Math.abs(across) / 2, Math.abs(bend - fromY), Math.abs(toY - bend));
  const side = Math.sign(across) * radius;
  return [
    `M${fromX},${fromY}L${fromX},${bend - radius}`,
    `Q${fromX},${bend} ${fromX + side},${bend}`,
    `L${toX - side},${bend}`,
    `Q${toX},${bend} ${toX},${bend + radius}L${toX},${toY}`,
  ].join("");
}

export const edgeTypes = { flow: FlowLine };
