import { useParams } from "react-router";
import { SessionList } from "./SessionList";
import { Talk } from "./Talk";

/** Conversations with AI workers, and one of them. */
export default function SessionsPage() {
  const { id } = useParams();
  return id ? <Talk key={id} id={id} /> : <SessionList />;
}
