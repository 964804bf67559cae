import "../app/theme.css";
import "./patient.css";

import { createRoot } from "react-dom/client";
import { PatientPage } from "./PatientPage";

/** `form.html#<token>`: the part behind # is not sent to any server as an address. */
const token = decodeURIComponent(location.hash.slice(1));
const place = document.getElementById("form");
if (!place) throw new Error("form.html has no place for the form");
createRoot(place).render(<PatientPage token={token} />);
addEventListener("hashchange", () => location.reload());
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => document.documentElement.setAttribute("data-theme", dark.matches ? "dark" : "light"));
