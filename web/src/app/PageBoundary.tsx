import { Component, type ErrorInfo, type ReactNode } from "react";
import { ErrorPanel } from "../ui/ErrorPanel";
import { OtherVersion } from "./loading";

/** A page that breaks takes no other page with it. */
export class PageBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error("A page broke", error.name, info.componentStack);
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (error instanceof OtherVersion) {
      return (
        <ErrorPanel
          error={error}
          what="This page could not be loaded"
          safe="What is stored on the server is untouched. Load the screens again to go on."
          retry={() => location.reload()}
        />
      );
    }
    return (
      <ErrorPanel
        error={error}
        what="This page could not be shown"
        safe="What is stored on the server is untouched."
        retry={() => this.setState({ error: null })}
      />
    );
  }
}
