// Runs before the first paint, so that a dark room is not lit up. It is a file of its own because
// the pages' Content-Security-Policy takes no inline script.
(function () {
  var wanted = "system";
  try {
    wanted = localStorage.getItem("careloom.theme") || "system";
  } catch (error) {
    wanted = "system";
  }
  var dark = wanted === "dark" || (wanted === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  var theme = dark ? "dark" : "light";
  document.documentElement.setAttribute("data-theme", theme);
  document.documentElement.setAttribute("data-mantine-color-scheme", theme);
})();
