import {
  Bot,
  Boxes,
  Braces,
  BrainCircuit,
  CircleDot,
  Clock,
  Code,
  Database,
  FileInput,
  FileText,
  FlaskConical,
  Flame,
  Globe,
  Hand,
  Image,
  ListChecks,
  type LucideIcon,
  MessageSquare,
  MessagesSquare,
  Network,
  Plug,
  Repeat,
  Scale,
  ShieldCheck,
  Shuffle,
  Sparkles,
  Split,
  SquareStack,
  Timer,
  UserCheck,
  UserRound,
  Webhook,
  Workflow,
} from "lucide-react";

/** Pictures for what is known; a step type that is not in here gets that of its group. */
const TYPES: Readonly<Record<string, LucideIcon>> = {
  worker: Bot,
  model: BrainCircuit,
  document: FileText,
  fhir: Flame,
  bot: MessageSquare,
  http: Globe,
  graphql: Braces,
  sql: Database,
  external: Plug,
  validate: ShieldCheck,
  task: UserRound,
  approval: UserCheck,
  form: ListChecks,
  map: Shuffle,
  rules: Scale,
  code: Code,
  session: MessagesSquare,
  pipeline: FlaskConical,
  if: Split,
  switch: Network,
  parallel: SquareStack,
  foreach: Repeat,
  workflow: Workflow,
  wait: Timer,
  component: Boxes,
};

const GROUPS: Readonly<Record<string, LucideIcon>> = {
  ai: Sparkles,
  data: Database,
  logic: Split,
  people: UserRound,
  connect: Plug,
};

const TRIGGERS: Readonly<Record<string, LucideIcon>> = {
  manual: Hand,
  fhir: Flame,
  file: FileInput,
  dicom: Image,
  schedule: Clock,
  webhook: Webhook,
};

export function stepIcon(type: string, group = ""): LucideIcon {
  return TYPES[type] ?? GROUPS[group] ?? CircleDot;
}

export function triggerIcon(type: string): LucideIcon {
  return TRIGGERS[type] ?? CircleDot;
}
