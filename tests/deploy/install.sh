#!/usr/bin/env bash
# What the proofs of deploy/ need: linters from their lock into the folder given, the rest from Debian.
set -euo pipefail

venv=$1
shift
declare -A needed=([shellcheck]=shellcheck [groovy]=groovy [java]=default-jre-headless [jq]=jq
  [git]=git [systemd-analyze]=systemd)
if [[ ${1:-} == all ]]; then
  needed+=([debootstrap]=debootstrap [buildah]=buildah [crun]=crun)
fi
missing=()
for program in "${!needed[@]}"; do
  command -v "$program" >/dev/null || missing+=("${needed[$program]}")
done
if [[ ${#missing[@]} -gt 0 ]]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
lock=$(dirname "$0")/requirements.lock
if [[ $lock -nt $venv/.installed ]]; then
  test -x "$venv/bin/python" || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
  touch "$venv/.installed"
fi
