import { Button, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Contrast, Hand, Pause, Play, RotateCcw, Ruler, SunMedium, ZoomIn, type LucideIcon } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { api } from "../../../api/client";
import { useShortcut } from "../../../app/shortcuts";
import { messageOf } from "../../../ui/ErrorPanel";
import { Icon } from "../../../ui/Icon";
import type { Image, Window } from "../dicom";
import type { Finding, Grid } from "../findings";
import { frameOf, type Frame } from "./frames";
import { lengthOf, type Measure, type Point } from "./measure";
import { Overlay } from "./Overlay";
import { fullWindow, paint, table } from "./window";
import styles from "./viewer.module.css";

type Tool = "window" | "pan" | "zoom" | "measure";

export interface Slice {
  image: Image;
  frame: number;
}

interface Props {
  slices: readonly Slice[];
  at: number;
  onAt: (at: number) => void;
  findings: readonly Finding[];
}

const TOOLS: readonly [tool: Tool, word: string, sign: LucideIcon, key: string][] = [
  ["window", "Window", SunMedium, "w"],
  ["pan", "Pan", Hand, "p"],
  ["zoom", "Zoom", ZoomIn, "z"],
  ["measure", "Measure", Ruler, "m"],
];
const PRESETS: readonly [word: string, window: Window][] = [
  ["Lung", { centre: -600, width: 1500 }],
  ["Soft tissue", { centre: 40, width: 400 }],
  ["Bone", { centre: 480, width: 2500 }],
  ["Brain", { centre: 40, width: 80 }],
];
const RATE = 12;
const [SMALLEST, LARGEST] = [0.2, 20];

interface View {
  zoom: number;
  x: number;
  y: number;
}

const WHOLE: View = { zoom: 1, x: 0, y: 0 };

/** A stack of images: window and level, zoom, pan, measure, cine; by mouse and by keyboard. The
 * samples come from the server and are windowed here. */
export function Viewer({ slices, at, onAt, findings }: Props) {
  const slice = slices[at] ?? slices[0];
  const [tool, setTool] = useState<Tool>("window");
  const [asked, setAsked] = useState<Window>();
  const [reversed, setReversed] = useState(false);
  const [view, setView] = useState(WHOLE);
  const [playing, setPlaying] = useState(false);
  const [measures, setMeasures] = useState<Record<string, Measure[]>>({});
  const [overlaid, setOverlaid] = useState(false);
  const explained = findings.find((one) => one.model !== undefined && one.instance === slice?.image.instance);
  const grid = useExplanation(overlaid ? explained : undefined, slice?.image);
  const { frame, error } = useFrame(slice);
  const image = slice?.image;
  const own = useMemo(
    () => (image && frame && "samples" in frame ? (image.window ?? fullWindow(image, frame.samples)) : undefined),
    [image, frame],
  );
  const window = asked ?? own;
  const reset = useCallback(() => {
    setAsked(undefined);
    setView(WHOLE);
    setReversed(false);
  }, []);
  useEffect(() => setPlaying(false), [slices]);
  useEffect(reset, [slices, reset]);
  const step = useCallback((by: number) => onAt(Math.max(0, Math.min(slices.length - 1, at + by))), [at, onAt, slices.length]);
  useCine(playing, slices, at, onAt);

  for (const [name, word, , key] of TOOLS) useShortcut(key, word, () => setTool(name));
  useShortcut("c", "Play or stop", () => setPlaying(!playing), slices.length > 1);
  useShortcut("i", "Reverse the greys", () => setReversed(!reversed));
  useShortcut("r", "As it was at first", reset);

  if (!slice || !image) return null;
  const key = `${image.instance}/${slice.frame}`;
  return (
    <div className={styles.viewer}>
      <div className={styles.bar} role="toolbar" aria-label="Viewer">
        {TOOLS.map(([name, word, sign, letter]) => (
          <Button
            key={name}
            size="compact-sm"
            variant={tool === name ? "filled" : "default"}
            aria-pressed={tool === name}
            leftSection={<Icon of={sign} size={14} />}
            title={`${word} (${letter})`}
            onClick={() => setTool(name)}
          >
            {word}
          </Button>
        ))}
        {slices.length > 1 && (
          <Button size="compact-sm" variant="default" aria-pressed={playing} leftSection={<Icon of={playing ? Pause : Play} size={14} />} onClick={() => setPlaying(!playing)}>
            {playing ? "Stop" : "Play"}
          </Button>
        )}
        <Button size="compact-sm" variant="default" aria-pressed={reversed} disabled={!image.grey} leftSection={<Icon of={Contrast} size={14} />} onClick={() => setReversed(!reversed)}>
          Reverse
        </Button>
        <Button size="compact-sm" variant="default" leftSection={<Icon of={RotateCcw} size={14} />} onClick={reset}>
          Reset
        </Button>
        {image.grey && (
          <NativeSelect
            size="xs"
            aria-label="Window"
            value=""
            data={[{ value: "", label: "Window …" }, ...PRESETS.map(([word]) => ({ value: word, label: word }))]}
            onChange={(event) => setAsked(PRESETS.find(([word]) => word === event.currentTarget.value)?.[1])}
          />
        )}
        {explained && (
          <Button size="compact-sm" variant={overlaid ? "filled" : "default"} aria-pressed={overlaid} loading={grid.isLoading} onClick={() => setOverlaid(!overlaid)}>
            Where the model looked
          </Button>
        )}
        {overlaid && grid.error && <span role="alert">{messageOf(grid.error)}</span>}
      </div>
      <Stage
        slice={slice}
        frame={frame}
        error={error}
        window={window}
        reversed={reversed}
        view={view}
        tool={tool}
        measures={measures[key] ?? []}
        grid={grid.data}
        place={`${at + 1} of ${slices.length}`}
        onView={setView}
        onWindow={setAsked}
        onStep={step}
        onMeasure={(made) => setMeasures((all) => ({ ...all, [key]: [...(all[key] ?? []), made] }))}
        onForget={() => setMeasures((all) => ({ ...all, [key]: [] }))}
      />
    </div>
  );
}

/** Where the model's answer comes from, asked for when a person wants to see it. */
function useExplanation(finding: Finding | undefined, image: Image | undefined) {
  const uri = image ? `dicom://${image.study}/${image.series}/${image.instance}` : "";
  return useQuery({
    queryKey: ["api/image-explanations", finding?.model, uri],
    queryFn: () => api.get<Grid>("api/image-explanations", { uri, model: finding?.model }),
    enabled: finding !== undefined && image !== undefined,
    staleTime: Infinity,
    retry: false,
  });
}

function useFrame(slice: Slice | undefined): { frame?: Frame; error?: unknown } {
  const [state, setState] = useState<{ frame?: Frame; error?: unknown }>({});
  useEffect(() => {
    if (!slice) return;
    let wanted = true;
    frameOf(slice.image, slice.frame).then(
      (frame) => wanted && setState({ frame }),
      (error: unknown) => wanted && setState({ error }),
    );
    return () => {
      wanted = false;
    };
  }, [slice]);
  return state;
}

/** Go through the stack; the next frames are fetched ahead. */
function useCine(playing: boolean, slices: readonly Slice[], at: number, onAt: (at: number) => void): void {
  useEffect(() => {
    if (!playing || slices.length < 2) return;
    const rate = Math.min(60, Math.max(1, slices[at]?.image.rate ?? RATE));
    const timer = setTimeout(() => onAt((at + 1) % slices.length), 1000 / rate);
    for (let ahead = 1; ahead <= 8; ahead++) {
      const next = slices[(at + ahead) % slices.length];
      if (next) frameOf(next.image, next.frame).catch(() => undefined);
    }
    return () => clearTimeout(timer);
  }, [playing, slices, at, onAt]);
}

interface StageProps {
  slice: Slice;
  frame: Frame | undefined;
  error: unknown;
  window: Window | undefined;
  reversed: boolean;
  view: View;
  tool: Tool;
  measures: readonly Measure[];
  grid: Grid | undefined;
  place: string;
  onView: (view: View) => void;
  onWindow: (window: Window) => void;
  onStep: (by: number) => void;
  onMeasure: (made: Measure) => void;
  onForget: () => void;
}

function Stage(props: StageProps) {
  const { slice, frame, error, window, reversed, view, tool, measures, place } = props;
  const { image } = slice;
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const [drawing, setDrawing] = useState<Omit<Measure, "id">>();
  const pressed = useRef<{ x: number; y: number; view: View; window: Window | undefined }>(undefined);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !frame) return;
    if ("picture" in frame) context.drawImage(frame.picture, 0, 0);
    else if (window) context.putImageData(paint(image, frame.samples, table(image, window, reversed)), 0, 0);
  }, [frame, window, reversed, image]);

  const pointOf = (event: PointerEvent): Point => {
    const box = canvas.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return {
      x: ((event.clientX - box.left) / box.width) * image.columns,
      y: ((event.clientY - box.top) / box.height) * image.rows,
    };
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    pressed.current = { x: event.clientX, y: event.clientY, view, window };
    if (tool === "measure") setDrawing({ from: pointOf(event), to: pointOf(event) });
  };
  const drag = (event: PointerEvent) => {
    const began = pressed.current;
    if (!began) return;
    const [wide, tall] = [event.clientX - began.x, event.clientY - began.y];
    if (tool === "measure") setDrawing((line) => line && { ...line, to: pointOf(event) });
    else if (tool === "pan") props.onView({ ...began.view, x: began.view.x + wide, y: began.view.y + tall });
    else if (tool === "zoom") props.onView({ ...began.view, zoom: bounded(began.view.zoom * 2 ** (-tall / 150)) });
    else if (began.window) {
      const scale = Math.max(1, began.window.width / 300);
      props.onWindow({ centre: began.window.centre + tall * scale, width: Math.max(1, began.window.width + wide * scale) });
    }
  };
  const up = () => {
    pressed.current = undefined;
    if (drawing && Math.hypot(drawing.to.x - drawing.from.x, drawing.to.y - drawing.from.y) > 2) {
      props.onMeasure({ ...drawing, id: Date.now() });
    }
    setDrawing(undefined);
  };
  const keys = (event: KeyboardEvent) => {
    const nudge = window ? Math.max(1, window.width / 50) : 1;
    const acts: Record<string, () => void> = {
      ArrowDown: () => props.onStep(1),
      ArrowUp: () => props.onStep(-1),
      PageDown: () => props.onStep(10),
      PageUp: () => props.onStep(-10),
      ArrowRight: () => window && props.onWindow({ ...window, width: window.width + nudge }),
      ArrowLeft: () => window && props.onWindow({ ...window, width: Math.max(1, window.width - nudge) }),
      "+": () => props.onView({ ...view, zoom: bounded(view.zoom * 1.25) }),
      "-": () => props.onView({ ...view, zoom: bounded(view.zoom / 1.25) }),
      Delete: props.onForget,
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  };
  useWheel(stage, (event) => {
    if (event.ctrlKey) props.onView({ ...view, zoom: bounded(view.zoom * 2 ** (-event.deltaY / 200)) });
    else props.onStep(Math.sign(event.deltaY));
  });
  const shown = drawing ? [...measures, { ...drawing, id: -1 }] : measures;
  const transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
  return (
    <div
      ref={stage}
      className={styles.stage}
      data-tool={tool}
      role="group"
      aria-label={`Image ${place}. Arrow keys move through the stack and change the window, plus and minus zoom`}
      tabIndex={0}
      onPointerDown={down}
      onPointerMove={drag}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={keys}
    >
      {error ? (
        <p role="alert" className={styles.cause}>
          The image cannot be shown: {messageOf(error)}
        </p>
      ) : (
        <div className={styles.picture} style={{ transform, aspectRatio: `${image.columns} / ${image.rows}` }}>
          <canvas ref={canvas} width={image.columns} height={image.rows} data-drawn={frame !== undefined} />
          <Overlay image={image} grid={props.grid} measures={shown} lengthOf={(one) => lengthOf(one, image.spacing)} zoom={view.zoom} />
        </div>
      )}
      <p className={styles.corner}>
        {place}
        {window && image.grey && ` · C ${Math.round(window.centre)} W ${Math.round(window.width)}`}
        {` · ${Math.round(view.zoom * 100)} %`}
      </p>
    </div>
  );
}

const bounded = (zoom: number) => Math.min(LARGEST, Math.max(SMALLEST, zoom));

/** A wheel that keeps the page from scrolling; React's own listener may not. */
function useWheel(place: React.RefObject<HTMLElement | null>, heard: (event: WheelEvent) => void): void {
  const now = useRef(heard);
  now.current = heard;
  useEffect(() => {
    const node = place.current;
    const hear = (event: WheelEvent) => {
      event.preventDefault();
      now.current(event);
    };
    node?.addEventListener("wheel", hear, { passive: false });
    return () => node?.removeEventListener("wheel", hear);
  }, [place]);
}
