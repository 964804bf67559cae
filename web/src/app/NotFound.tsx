import { Compass } from "lucide-react";
import { Empty } from "../ui/Empty";
import { Page } from "../ui/Page";

export const NotFound = () => (
  <Page title="Nothing here">
    <Empty
      icon={Compass}
      title="There is no page at this address"
      says="The address may be from another version, or was cut short when it was copied."
      action={{ word: "Go to the beginning", to: "/" }}
    />
  </Page>
);
