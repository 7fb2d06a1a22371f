#!/usr/bin/env bash
# Keyreeve's dependencies from its lock file with hashes; Keyreeve itself runs from the action's own
# checkout.  Nothing of the pull request is run.
set -euo pipefail

root=$(cd "$GITHUB_ACTION_PATH/../.." && pwd)
venv=$RUNNER_TEMP/keyreeve-venv
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error::Keyreeve needs Python 3.11 or newer; name one in the input \`python\`"
  exit 1
}
"$PYTHON" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
  --requirement "$root/requirements-run.lock"
echo "$root/src" >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/keyreeve.pth"
"$venv/bin/python" -m keyreeve --version
