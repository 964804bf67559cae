import { FileText } from "lucide-react";
import { useState } from "react";
import { Icon } from "../ui/Icon";
import { messageOf } from "../ui/ErrorPanel";
import { fileOf } from "./addresses";
import { useBytes } from "./Bytes";
import styles from "./evidence.module.css";

const PICTURES = ["image/png", "image/jpeg"];

/** A button that shows a stored file below itself, and hides it again. Fetched only when asked for,
 * because each reading is audited. */
export function StoredFile({ uri, open = false }: { uri: string; open?: boolean }) {
  const [shown, setShown] = useState(open);
  const place = fileOf(uri);
  if (!place) return <span className={styles.mono}>{uri}</span>;
  return (
    <div className={styles.stored}>
      <button
        type="button"
        className={styles.button}
        aria-expanded={shown}
        onClick={() => setShown(!shown)}
      >
        <Icon of={FileText} />
        <span className={styles.clip}>
          {shown ? "Hide" : "Show"} {place.name}
        </span>
      </button>
      {shown && <Shown bucket={place.bucket} name={place.name} />}
    </div>
  );
}

function Shown({ bucket, name }: { bucket: string; name: string }) {
  const { src, type, text, error } = useBytes(`api/files/${bucket}/${encodeURIComponent(name)}`, "*/*");
  return (
    <figure className={styles.file}>
      {error ? (
        <p role="alert" className={styles.cause}>
          The file cannot be shown: {messageOf(error)}
        </p>
      ) : src ? (
        <Content src={src} type={type ?? ""} text={text} name={name} />
      ) : (
        <div className={styles.wait}>Loading the file …</div>
      )}
      <figcaption className={styles.mono}>{name}</figcaption>
    </figure>
  );
}

function Content({ src, type, text, name }: { src: string; type: string; text: string | undefined; name: string }) {
  if (type === "application/pdf") {
    return <iframe className={styles.pages} src={`${src}#navpanes=0&view=FitH`} title={`The file ${name}`} />;
  }
  if (PICTURES.includes(type)) return <img src={src} alt={`The file ${name}`} />;
  if (text !== undefined) {
    return (
      <pre className={styles.text} tabIndex={0}>
        {text}
      </pre>
    );
  }
  return (
    <p>
      A browser cannot show this kind of file.{" "}
      <a href={src} download={name}>
        Save it
      </a>
    </p>
  );
}
