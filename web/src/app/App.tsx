import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { createHashRouter, Navigate } from "react-router";
import { RouterProvider } from "react-router/dom";
import { queryClient } from "../api/queries";
import { useMe } from "../api/me";
import { REFUSED } from "../api/session";
import { Loading } from "../ui/Loading";
import { Toasts } from "../ui/Toasts";
import { Frame } from "./Frame";
import { NotFound } from "./NotFound";
import { PageBoundary } from "./PageBoundary";
import { pages } from "./routes";
import { SignIn } from "./SignIn";
import { mantineTheme, schemeManager, useTheme } from "./theme";

const router = createHashRouter([
  {
    path: "/",
    element: <Frame />,
    children: [
      { index: true, element: <Navigate to="/workflows" replace /> },
      ...pages.flatMap(({ paths, Page, name }) =>
        paths.map((path) => ({
          path,
          id: `${name}:${path}`,
          element: (
            <PageBoundary>
              <Suspense fallback={<Loading />}>
                <Page />
              </Suspense>
            </PageBoundary>
          ),
        })),
      ),
      { path: "*", element: <NotFound /> },
    ],
  },
]);

export function App({ givenKey }: { givenKey: string | null }) {
  const theme = useTheme();
  return (
    <MantineProvider
      theme={mantineTheme}
      colorSchemeManager={schemeManager}
      forceColorScheme={theme}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queryClient}>
        <Toasts>
          <Door givenKey={givenKey} />
        </Toasts>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** In front of the pages: who is not signed in signs in first, and comes back to where they were. */
function Door({ givenKey }: { givenKey: string | null }) {
  const [key, setKey] = useState(givenKey);
  const [refused, setRefused] = useState(false);
  const me = useMe(key === null);
  useEffect(() => {
    const sent = () => {
      setRefused(queryClient.getQueryData(["me"]) !== undefined);
      queryClient.removeQueries({ queryKey: ["me"] });
    };
    addEventListener(REFUSED, sent);
    return () => removeEventListener(REFUSED, sent);
  }, []);
  if (key === null && me.isPending && !me.isError) return <Loading />;
  if (key !== null || !me.data) {
    return <SignIn givenKey={key} refused={refused} unreachable={me.error} onSignedIn={() => {
      setKey(null);
      setRefused(false);
    }} />;
  }
  return <RouterProvider router={router} />;
}
