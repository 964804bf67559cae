#!/bin/sh
# What tests need from the system: a browser, DICOM tools and a clock
# that can be set for one process. Installed only in CI as root;
# elsewhere what is missing is named, and its tests skip.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v storescu >/dev/null 2>&1 || missing="$missing dcmtk"
command -v faketime >/dev/null 2>&1 || missing="$missing faketime"
[ -z "$missing" ] && exit 0
if [ "${CI:-}" = "true" ] && [ "$(id -u)" = "0" ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "Not installed:$missing. The tests that need them will be skipped."
fi
