import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Loading } from "../../ui/Loading";
import { useTemplates } from "./server";
import styles from "./workflows.module.css";

/** What ships, to begin with: opened in place. */
export function Templates({ onClose }: { onClose: () => void }) {
  const { data, error } = useTemplates(true);
  const place = useRef<HTMLElement>(null);
  useEffect(() => place.current?.focus(), []);
  return (
    <section
      ref={place}
      tabIndex={-1}
      className={styles.templates}
      aria-label="Templates"
      onKeyDown={({ key }) => key === "Escape" && onClose()}
    >
      <header>
        <h2>Begin with a template</h2>
        <button type="button" className={styles.close} aria-label="Close the templates" onClick={onClose}>
          <Icon of={X} />
        </button>
      </header>
      {error && <ErrorPanel error={error} what="The templates could not be read" />}
      {!data && !error && <Loading />}
      <ul>
        {data?.map(({ name, title, description }) => (
          <li key={name}>
            <Link to={`/workflows/new?template=${encodeURIComponent(name)}`}>{title}</Link>
            <p>{description}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
