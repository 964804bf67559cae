import { Image } from "lucide-react";
import { Link } from "react-router";
import { Icon } from "../ui/Icon";
import { messageOf } from "../ui/ErrorPanel";
import { instanceOf } from "./addresses";
import { useBytes } from "./Bytes";
import styles from "./evidence.module.css";

/** A DICOM instance as a picture that leads into the viewer. `uri` is `dicom://study/series/instance`. */
export function Picture({ uri, named = true }: { uri: string; named?: boolean }) {
  const place = instanceOf(uri);
  if (!place) return <span className={styles.mono}>{uri}</span>;
  return <Shown {...place} named={named} />;
}

interface Props {
  study: string;
  series: string;
  instance: string;
  named: boolean;
}

function Shown({ study, series, instance, named }: Props) {
  const path = `dicomweb/studies/${study}/series/${series}/instances/${instance}/rendered`;
  const { src, error } = useBytes(path, "image/jpeg, image/png");
  return (
    <figure className={styles.picture}>
      {src ? (
        <Link to={`/studies/${study}?instance=${instance}`} aria-label="Open the image in the viewer">
          <img src={src} alt="The image of this DICOM instance" />
        </Link>
      ) : (
        <div className={styles.wait}>
          <Icon of={Image} size={24} />
          {error ? `The image cannot be shown: ${messageOf(error)}` : "Loading the image …"}
        </div>
      )}
      {named && <figcaption className={styles.mono}>{instance}</figcaption>}
    </figure>
  );
}
