import { FileText } from "lucide-react";
import { useEffect, useState } from "react";
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
  const { src, type, error } = useBytes(`api/files/${bucket}/${encodeURIComponent(name)}`, "*/*");
  return (
    <figure className={styles.file}>
      {error ? (
        <p role="alert" className={styles.cause}>
          The file cannot be shown: {messageOf(error)}
        </p>
      ) : src ? (
        <Content src={src} type={type ?? ""} name={name} />
      ) : (
        <div className={styles.wait}>Loading the file …</div>
      )}
      <figcaption className={styles.mono}>{name}</figcaption>
    </figure>
  );
}

function Content({ src, type, name }: { src: string; type: string; name: string }) {
  if (type === "application/pdf") {
    return <iframe className={styles.pages} src={`${src}#navpanes=0&view=FitH`} title={`The file ${name}`} />;
  }
  if (PICTURES.includes(type)) return <img src={src} alt={`The file ${name}`} />;
  if (type === "text/plain") return <Text src={src} />;
  return (
    <p>
      A browser cannot show this kind of file.{" "}
      <a href={src} download={name}>
        Save it
      </a>
    </p>
  );
}

function Text({ src }: { src: string }) {
  const [text, setText] = useState<string>();
  useEffect(() => {
    let wanted = true;
    void fetch(src)
      .then((answer) => answer.text())
      .then((read) => wanted && setText(read));
    return () => {
      wanted = false;
    };
  }, [src]);
  return (
    <pre className={styles.text} tabIndex={0}>
      {text ?? "Loading …"}
    </pre>
  );
}
