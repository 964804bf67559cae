import { Button, PasswordInput } from "@mantine/core";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { ApiError, Unreachable } from "../api/client";
import { signIn, type Me } from "../api/me";
import styles from "./SignIn.module.css";

interface Props {
  givenKey: string | null;
  /** The session that was there has ended; the page behind waits. */
  ended: boolean;
  unreachable: unknown;
  onSignedIn: (me: Me) => void;
}

function causeOf(error: unknown): string {
  if (error instanceof Unreachable) return "The server does not answer. Check that it runs, then try again.";
  if (error instanceof ApiError && error.status === 401) {
    return "This key is not known here, or was withdrawn. Check it, or ask for another one.";
  }
  if (error instanceof ApiError) return [error.message, error.fix].filter(Boolean).join(". ");
  throw error;
}

export function SignIn({ givenKey, ended, unreachable, onSignedIn }: Props) {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [cause, setCause] = useState(() => {
    if (ended) return "The session has ended. Sign in again; nothing that was saved is lost.";
    return unreachable instanceof Unreachable ? causeOf(unreachable) : "";
  });
  const tried = useRef(false);

  async function enter(tried: string) {
    setBusy(true);
    setCause("");
    try {
      onSignedIn(await signIn(tried));
    } catch (error) {
      setCause(causeOf(error));
    } finally {
      setBusy(false);
    }
  }

  useEffect(() => {
    if (givenKey === null || tried.current) return;
    tried.current = true;
    void enter(givenKey);
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    if (key.trim()) void enter(key.trim());
  }

  return (
    <main className={styles.place}>
      <form className={styles.form} onSubmit={submit} autoComplete="off">
        <div>
          <h1>Careloom</h1>
          <p className={styles.soft}>Workflows for healthcare: build them, watch them, decide.</p>
        </div>
        <PasswordInput
          label="API key"
          description="The server prints the first key once, when it starts for the first time."
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          autoFocus
          error={cause !== ""}
          visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
        />
        {cause && (
          <p role="alert" className={styles.cause}>
            {cause}
          </p>
        )}
        <Button type="submit" loading={busy}>
          {busy ? "Checking" : "Sign in"}
        </Button>
      </form>
    </main>
  );
}
