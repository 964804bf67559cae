import { Button } from "@mantine/core";
import { Cable, Plus } from "lucide-react";
import { useSearchParams } from "react-router";
import { useCan } from "../../api/me";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { Icon } from "../../ui/Icon";
import { Loading } from "../../ui/Loading";
import { Page } from "../../ui/Page";
import { ConnectionCard } from "./ConnectionCard";
import { ConnectionForm } from "./ConnectionForm";
import { useConnections } from "./server";
import styles from "./connections.module.css";

const NEW = "new";

export default function ConnectionsPage() {
  const [query, setQuery] = useSearchParams();
  const editing = query.get("edit");
  const can = useCan();
  const { data, error, refetch } = useConnections();
  const edit = (id: string | null) => setQuery(id ? { edit: id } : {});
  const mayEdit = can("admin");
  return (
    <Page
      title="Connections"
      says="Where messages go, and the systems that workflows call. Secrets are sealed and never shown again."
      actions={
        mayEdit && (
          <Button leftSection={<Icon of={Plus} />} onClick={() => edit(NEW)} disabled={editing === NEW}>
            New connection
          </Button>
        )
      }
    >
      {error && <ErrorPanel error={error} what="The connections could not be read" retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {editing === NEW && mayEdit && data && (
        <div className={styles.new}>
          <ConnectionForm taken={data.map(({ id }) => id)} onDone={() => edit(null)} />
        </div>
      )}
      {data?.length === 0 && editing !== NEW && (
        <Empty
          icon={Cable}
          title="No connections yet"
          says="Slack, mail, webhooks and other systems appear here with what their calls said. Until then development captures messages under Messages."
          {...(mayEdit ? { action: { word: "New connection", act: () => edit(NEW) } } : {})}
        />
      )}
      <ul className={styles.cards} aria-label="Connections">
        {data?.map((one) => (
          <li key={one.id}>
            {editing === one.id && mayEdit ? (
              <ConnectionForm connection={one} taken={[]} onDone={() => edit(null)} />
            ) : (
              <ConnectionCard connection={one} mayEdit={mayEdit} onEdit={() => edit(one.id)} />
            )}
          </li>
        ))}
      </ul>
    </Page>
  );
}
