import { ScanLine } from "lucide-react";
import type { PageRoute } from "../../app/routes";

export const route: PageRoute = {
  paths: ["/studies", "/studies/:study"],
  rail: { word: "Studies", icon: ScanLine, to: "/studies", order: 50, needs: "dicom:read" },
};
