import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { type Picture, type BuilderState, useBuilderStore } from "../state";
import { type StepType, useStepTypes } from "../server";
import { nodeAt, offsetOf, stretch, walk } from "../../../graph";
import { completions } from "./completion";
import { theme } from "./theme";

/** Marks what the canvas changed, so that it is not taken for typing. */
const fromOutside = Annotation.define<boolean>();

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.definition(tags.propertyName), color: "var(--accent)" },
  { tag: tags.string, color: "var(--ink)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--group-ai)" },
  { tag: tags.comment, color: "var(--ink-2)", fontStyle: "italic" },
]);

/** The YAML of the draft. It and the canvas are two views of one text with one history. */
export default function Editor() {
  const store = useBuilderStore();
  const host = useRef<HTMLDivElement>(null);
  const types = useRef<ReadonlyMap<string, StepType>>(new Map());
  types.current = useStepTypes();

  useEffect(() => {
    if (!host.current) return;
    // In a shadow root CodeMirror adopts style sheets, which the Content-Security-Policy allows;
    // in the page it would write <style>, which it refuses.
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: store.getState().draft().text,
        extensions: [
          lineNumbers(),
          foldGutter(),
          lintGutter(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          search({ top: true }),
          yaml(),
          syntaxHighlighting(colours),
          theme,
          autocompletion({ override: [(context) => completions(context, { types: types.current, outline: store.getState().outline })] }),
          EditorView.contentAttributes.of({ "aria-label": "YAML of the workflow", tabindex: "0" }),
          EditorState.tabSize.of(2),
          keymap.of([
            { key: "Mod-z", run: () => (store.getState().undo(), true) },
            { key: "Mod-y", run: () => (store.getState().redo(), true) },
            { key: "Shift-Mod-z", run: () => (store.getState().redo(), true) },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...searchKeymap,
            ...foldKeymap,
            ...defaultKeymap,
            { key: "Escape", run: (now) => (now.contentDOM.blur(), true) },
            indentWithTab,
          ]),
          EditorView.updateListener.of((update) => {
            const typed = update.docChanged && !update.transactions.some((one) => one.annotation(fromOutside));
            if (typed) store.getState().write(update.state.doc.toString(), "YAML was edited", "yaml");
            else if (update.selectionSet && update.view.hasFocus && !update.docChanged) followCaret(update.state.selection.main.head);
          }),
        ],
      }),
    });
    const followCaret = (caret: number) => {
      const { picture, selection, select, problem } = store.getState();
      const key = problem ? null : stepAt(picture, caret);
      if (key !== null && key !== selection.node) select(key);
    };
    view.dispatch(setDiagnostics(view.state, diagnosticsOf(store.getState())));
    const stop = store.subscribe((now, before) => {
      const text = now.history.present.state.text;
      const change = stretch(view.state.doc.toString(), text);
      if (change) view.dispatch({ changes: change, annotations: fromOutside.of(true) });
      if (now.findings !== before.findings || now.problem !== before.problem || now.checkedText !== before.checkedText) {
        view.dispatch(setDiagnostics(view.state, diagnosticsOf(now)));
      }
      if (now.selection.node !== before.selection.node && !view.hasFocus) reveal(view, now.picture, now.selection.node);
    });
    reveal(view, store.getState().picture, store.getState().selection.node);
    return () => {
      stop();
      view.destroy();
    };
  }, [store]);
  return <div ref={host} data-yaml style={{ height: "100%" }} />;
}

/** The innermost step that a place of the text belongs to. */
function stepAt(picture: Picture, offset: number): string | null {
  let found: string | null = null;
  for (const step of walk(picture.workflow.steps)) {
    const range = nodeAt(picture.source, step.path)?.range;
    if (range && range[0] <= offset && offset <= range[1]) found = step.key;
  }
  return found;
}

function reveal(view: EditorView, picture: Picture, key: string | null): void {
  const path = key === null ? undefined : (picture.workflow.byKey.get(key)?.path ?? picture.workflow.triggers.find((one) => one.key === key)?.path);
  const range = path && nodeAt(picture.source, path)?.range;
  if (!range || range[0] > view.state.doc.length) return;
  view.dispatch({ selection: { anchor: range[0] }, effects: EditorView.scrollIntoView(range[0], { y: "center" }) });
}

function diagnosticsOf(state: BuilderState): Diagnostic[] {
  const { text } = state.history.present.state;
  if (state.problem) {
    const from = offsetOf(text, state.problem.line, state.problem.column);
    return [{ from, to: endOfLine(text, from), severity: "error", message: state.problem.message }];
  }
  if (state.checkedText !== text) return [];
  return state.findings.flatMap((finding): Diagnostic[] => {
    if (finding.line === undefined) return [];
    const from = offsetOf(text, finding.line, finding.column ?? 1);
    return [{ from, to: endOfLine(text, from), severity: finding.severity, message: `${finding.message}. ${finding.fix}` }];
  });
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}
