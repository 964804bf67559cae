import "@mantine/core/styles.layer.css";
import "@fontsource-variable/inter/wght.css";
import "./theme.css";
import "./global.css";

import { createRoot } from "react-dom/client";
import { noticePeople } from "../api/client";
import { parkUnseen } from "../api/live";
import { takeKey } from "./address";
import { App } from "./App";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no place for the application");
noticePeople();
parkUnseen();
// A link with a key that is opened over the page is taken as one that opens it.
addEventListener("hashchange", () => location.hash.startsWith("#key=") && location.reload());
createRoot(root).render(<App givenKey={takeKey()} />);
