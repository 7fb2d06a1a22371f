#!/usr/bin/env bash
# Two plans of one account for the same days: by the config of the base, and by the pull request's.
# Leaves the comment in a file, and says where in $GITHUB_OUTPUT.  The exit code of the second plan
# is an output, not this script's: the comment is wanted most where it is bad.
set -uo pipefail

keyreeve() { "$RUNNER_TEMP/keyreeve-venv/bin/python" -m keyreeve "$@"; }

readonly LIMIT=60000 # of a comment: GitHub takes 65536 characters
before=$RUNNER_TEMP/keyreeve-before.json
said=$RUNNER_TEMP/keyreeve-said.txt
comment=$RUNNER_TEMP/keyreeve-comment.md
tree=$RUNNER_TEMP/keyreeve-base

# access.yaml and templates may have changed with the config: the whole tree of the base.
git cat-file -e "$BASE^{commit}" 2>/dev/null || git fetch --quiet --no-tags --depth=1 origin "$BASE" || exit 1
rm -rf "$tree"
git worktree prune
git worktree add --quiet --detach "$tree" "$BASE" || exit 1
rm -f "$before"
keyreeve --config "$tree/$CONFIG" --output json plan --days "$DAYS" >"$before"
git worktree remove --force "$tree"

# A plan that would be refused is a plan, too; a config with mistakes gives none.
if [[ -s $before ]]; then
  title="What \`$CONFIG\` of this pull request would change"
  keyreeve --config "$CONFIG" plan --against "$before" >"$said" 2>&1
else
  title="The base has no plan to compare with; what \`$CONFIG\` of this pull request would do"
  keyreeve --config "$CONFIG" plan --days "$DAYS" >"$said" 2>&1
fi
code=$?

# Words from outside stand in a code block that they cannot end: no mention, no markup, no link.
fence=$(grep -oE '`+' "$said" | awk 'length > n { n = length } END { n = n < 2 ? 2 : n; while (n-- >= 0) printf "`" }')
{
  printf '<!-- keyreeve-plan %s -->\n### %s\n\n%s\n' "$CONFIG" "$title" "$fence"
  head -c "$LIMIT" "$said" | iconv -c -f utf-8 -t utf-8
  [[ $(wc -c <"$said") -le $LIMIT ]] || printf '\n… and more; the log of the job has all of it.'
  printf '\n%s\n\nExit code %s, %s days ahead, if nobody acts. Nothing was changed.\n' "$fence" "$code" "$DAYS"
} >"$comment"
cat "$said"
{
  echo "exit-code=$code"
  echo "comment=$comment"
} >>"$GITHUB_OUTPUT"
