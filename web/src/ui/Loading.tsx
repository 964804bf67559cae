import styles from "./Loading.module.css";

/** Said only after a moment: what is quick does not flicker. */
export const Loading = ({ what = "" }: { what?: string }) => (
  <p className={styles.loading} role="status">
    Loading {what} …
  </p>
);
