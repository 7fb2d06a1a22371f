#!/usr/bin/env bash
# Keyreeve's daily run for cron, standing alone: this file, requirements-run.lock and keyreeve-*.whl
# beside it or in the folder above (an unpacked deployment package) are all that it needs.
#
#   17 6 * * *  /home/ops/keyreeve-deployment/deploy/cron/run.sh --execute
#
# Arguments go to `keyreeve run`: without --execute it rehearses.  `run.sh --install` only installs.
#
# KEYREEVE_HOME is where config.yaml, the logs and the environment lie; default ~/keyreeve.
# Whatever stands in keyreeve.env there (lines NAME=value, mode 600) is set first:
#   KEYREEVE_CONFIG      default $KEYREEVE_HOME/config.yaml
#   KEYREEVE_PYTHON      Python 3.11+; default python3
#   KEYREEVE_MAILTO      who is mailed (by sendmail) when a run did not end with exit code 0
#   KEYREEVE_MAIL_CODES  the exit codes that are mailed; default "1 2 3 4 5 6 130 other"
#   KEYREEVE_KEEP_LOGS   how many logs are kept; default 90
#   and what Keyreeve itself reads: AWS_PROFILE, KEYREEVE_HEARTBEAT_URL, KEYREEVE_SMTP_PASSWORD …
#
# Exit codes are Keyreeve's own; 5 also if another run.sh is under way, 6 if it cannot be installed.
# Without KEYREEVE_MAILTO whatever went wrong is printed, and cron mails what is printed (MAILTO).
set -uo pipefail
umask 077
if [[ ${1:-} == --install ]]; then
  umask 022 # other users may run what root installs
fi

readonly LOCKED=5 CANNOT_START=6
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit $CANNOT_START
home=${KEYREEVE_HOME:-${HOME:?HOME is not set}/keyreeve}
log=""
detail=""

# Something that keeps the run from starting: what, and what to do.
fail() {
  local code=$1
  shift
  detail=$(printf 'run.sh: %s\n' "$@")
  finish "$code"
}

# Mail or print what went wrong, and exit.
finish() {
  local code=$1
  [[ $code -eq 0 ]] || told "$code"
  exit "$code"
}

meaning() {
  case $1 in
    1) echo "some parts failed or could not be read" ;;
    2) echo "usage or configuration error" ;;
    3) echo "findings are open" ;;
    4) echo "refused, the facts look wrong" ;;
    5) echo "another run holds the lock" ;;
    6) echo "could not start; nothing was changed" ;;
    130) echo "interrupted" ;;
    *) echo "unexpected" ;;
  esac
}

wanted() {
  local codes=" ${KEYREEVE_MAIL_CODES:-1 2 3 4 5 6 130 other} "
  case "$1" in
    1 | 2 | 3 | 4 | 5 | 6 | 130) [[ $codes == *" $1 "* ]] ;;
    *) [[ $codes == *" other "* ]] ;;
  esac
}

told() {
  local code=$1 said
  wanted "$code" || return 0
  said="exit code $code: $(meaning "$code")"
  if [[ -n ${KEYREEVE_MAILTO:-} ]] && mailed "$said"; then
    return 0
  fi
  report "$said" >&2
}

# What went wrong, and the last lines of the log; no secret is ever in them.
report() {
  printf 'keyreeve on %s, %s\n' "$(uname -n)" "$1"
  [[ -z $detail ]] || printf '%s\n' "$detail"
  if [[ -n $log ]]; then
    printf '\n'
    tail -n 200 "$log"
    printf '\nAll of it: %s\n' "$log"
  fi
}

# False if no mail system took it.
mailed() {
  local sendmail
  sendmail=$(PATH="$PATH:/usr/sbin:/usr/lib" command -v sendmail) || {
    echo "run.sh: there is no sendmail, so that KEYREEVE_MAILTO cannot be mailed" >&2
    return 1
  }
  {
    printf 'To: %s\nSubject: [keyreeve] %s: %s\n' "${KEYREEVE_MAILTO//$'\n'/ }" "$(uname -n)" "$1"
    printf 'Auto-Submitted: auto-generated\nMIME-Version: 1.0\n'
    printf 'Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
    report "$1"
  } | "$sendmail" -t -oi
}

# The settings, which may hold secrets: nobody else may read them.
settings() {
  local file=$home/keyreeve.env line
  [[ -e $file ]] || return 0
  if [[ -n $(find "$file" -perm /077) ]]; then
    fail 2 "$file can be read by others, and holds secrets." "  chmod 600 $file"
  fi
  while IFS= read -r line || [[ -n $line ]]; do
    case $line in
      '' | '#'*) ;;
      [A-Za-z_]*=*) export "${line?}" ;;
      *) fail 2 "$file: a line that is no NAME=value" ;;
    esac
  done <"$file"
}

# The folder of the deployment package.
package() {
  local folder
  for folder in "$here" "$here/.." "$here/../.."; do
    if compgen -G "$folder/keyreeve-*.whl" >/dev/null && [[ -e $folder/requirements-run.lock ]]; then
      (cd "$folder" && pwd)
      return
    fi
  done
  return 1
}

# A virtual environment of its own, from the lock file with its hashes; made anew only when the
# package or Python has changed.  $home/venv leads to it.
install() {
  local from key venv python=${KEYREEVE_PYTHON:-python3}
  from=$(package) || {
    echo "run.sh: no keyreeve-*.whl with requirements-run.lock beside $here" \
      "  Unpack a deployment package (\`make package\`), and use its run.sh." >>"$log"
    return 1
  }
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>>"$log" || {
    echo "run.sh: $python is not Python 3.11 or newer; name one in KEYREEVE_PYTHON" >>"$log"
    return 1
  }
  key=$({ "$python" -c 'import sys; print(sys.version, sys.executable)'; cat "$from"/requirements-run.lock "$from"/keyreeve-*.whl; } |
    sha256sum | cut -c1-16)
  venv=$home/venv-$key
  if [[ ! -e $venv/complete ]]; then
    rm -rf "$venv"
    {
      "$python" -m venv "$venv" &&
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
          -r "$from/requirements-run.lock" &&
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
          "$from"/keyreeve-*.whl &&
        touch "$venv/complete"
    } >>"$log" 2>&1 || {
      rm -rf "$venv"
      echo "run.sh: Keyreeve could not be installed; nothing was run" >>"$log"
      return 1
    }
  fi
  ln -sfn "venv-$key" "$home/venv"
  find "$home" -maxdepth 1 -name 'venv-*' ! -name "venv-$key" -exec rm -rf {} +
}

# One log a run; the oldest go.
rotate() {
  local keep=${KEYREEVE_KEEP_LOGS:-90}
  [[ $keep =~ ^[1-9][0-9]{0,5}$ ]] || fail 2 "KEYREEVE_KEEP_LOGS is no number such as 90"
  find "$home/logs" -maxdepth 1 -name 'run-*.log' | sort -r | tail -n "+$((keep + 1))" |
    while IFS= read -r old; do rm -f "$old"; done
}

mkdir -p "$home/logs" || exit $CANNOT_START
settings
exec 9>"$home/run.lock" || exit $CANNOT_START
flock -n 9 || fail $LOCKED "another run.sh holds $home/run.lock"
log=$home/logs/run-$(date -u +%Y%m%dT%H%M%SZ)-$$.log
: >"$log" || exit $CANNOT_START
rotate
install || finish $CANNOT_START
if [[ ${1:-} == --install ]]; then
  echo "$home/venv/bin/keyreeve"
  exit 0
fi
export KEYREEVE_CONFIG=${KEYREEVE_CONFIG:-$home/config.yaml}
cd "$home" || fail $CANNOT_START "$home cannot be entered"
"$home/venv/bin/keyreeve" run "$@" >>"$log" 2>&1
finish $?
