import { Database } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/data", "/data/:type", "/data/:type/:id", "/fhir/:type/:id"],
  rail: { word: "Data", icon: Database, to: "/data", order: 40, needs: "fhir:read" },
  commands: [
    { word: "Patients", to: "/data/Patient" },
    { word: "Observations", to: "/data/Observation" },
  ],
};
