import { useParams } from "react-router";
import { StudyList } from "./StudyList";
import { StudyView } from "./StudyView";

/** Imaging studies, and one of them with its viewer. */
export default function StudiesPage() {
  const { study } = useParams();
  return study ? <StudyView key={study} /> : <StudyList />;
}
