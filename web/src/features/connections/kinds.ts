/** What each kind of connection asks for: docs/howto/notifications.md, docs/howto/call-other-systems.md. */
export interface Field {
  name: string;
  label: string;
  /** Where it stands: settings are shown again, secrets never. */
  in: "settings" | "secret";
  required?: boolean;
  says?: string;
  placeholder?: string;
  choices?: readonly string[];
}

export interface Kind {
  kind: string;
  word: string;
  says: string;
  fields: readonly Field[];
}

const called: readonly Field[] = [
  { name: "url", label: "Address", in: "settings", required: true, placeholder: "https://lab.example/api/v1" },
  { name: "token", label: "Bearer token", in: "secret" },
  { name: "username", label: "User name", in: "secret" },
  { name: "password", label: "Password", in: "secret" },
  { name: "apiKey", label: "API key", in: "secret" },
  { name: "header", label: "Header of the API key", in: "settings", placeholder: "X-API-Key" },
  { name: "tokenUrl", label: "OAuth token address", in: "settings", placeholder: "https://login.example/token" },
  { name: "clientId", label: "OAuth client id", in: "settings" },
  { name: "scope", label: "OAuth scope", in: "settings" },
  { name: "clientSecret", label: "OAuth client secret", in: "secret" },
  { name: "healthPath", label: "Path that a test asks for", in: "settings", placeholder: "/health" },
];

export const KINDS: readonly Kind[] = [
  {
    kind: "slack",
    word: "Slack",
    says: "Messages to a channel. An incoming webhook posts to the channel it was made for; a bot token posts to any.",
    fields: [
      { name: "webhookUrl", label: "Incoming webhook", in: "secret", placeholder: "https://hooks.slack.com/services/…" },
      { name: "botToken", label: "Bot token", in: "secret", says: "With the scope chat:write" },
    ],
  },
  {
    kind: "email",
    word: "E-mail",
    says: "Messages by a mail server.",
    fields: [
      { name: "url", label: "Mail server", in: "secret", required: true, placeholder: "smtp://user:password@mail.hospital.example:587" },
      { name: "from", label: "Sender", in: "settings", placeholder: "careloom@hospital.example" },
    ],
  },
  {
    kind: "webhook",
    word: "Webhook",
    says: "Signed messages to a system of yours.",
    fields: [
      { name: "url", label: "Address", in: "secret", required: true, placeholder: "https://beds.hospital.example/in" },
      { name: "signingSecret", label: "Signing secret", in: "secret", says: "whsec_ and base64" },
    ],
  },
  { kind: "http", word: "HTTP system", says: "A system that http and graphql steps call.", fields: called },
  { kind: "fhir", word: "FHIR server", says: "A FHIR server that fhir steps call.", fields: called },
  {
    kind: "sql",
    word: "PostgreSQL",
    says: "A database that sql steps read and write.",
    fields: [
      { name: "host", label: "Host", in: "settings", required: true, placeholder: "db.hospital.example" },
      { name: "port", label: "Port", in: "settings", placeholder: "5432" },
      { name: "database", label: "Database", in: "settings", required: true },
      { name: "user", label: "User", in: "settings", required: true },
      { name: "tls", label: "TLS", in: "settings", choices: ["verify-full", "require", "off"] },
      { name: "password", label: "Password", in: "secret" },
    ],
  },
];

export const kindOf = (kind: string): Kind | undefined => KINDS.find((one) => one.kind === kind);

export type Values = Readonly<Record<string, string>>;

/** What is sent to keep a connection; `before` keeps the settings that the form does not show. */
export function body(kind: Kind, values: Values, before: Readonly<Record<string, unknown>>, phi: boolean) {
  const settings: Record<string, unknown> = { ...before, phi: phi || undefined };
  const secret: Record<string, unknown> = {};
  for (const field of kind.fields) {
    const text = values[`${field.in}.${field.name}`]?.trim() ?? "";
    if (field.in === "secret") {
      if (text) secret[field.name] = text;
    } else if (text) settings[field.name] = field.name === "port" ? Number(text) : text;
    else delete settings[field.name];
  }
  return { kind: kind.kind, settings, secret };
}
