#!/usr/bin/env bash
# One comment a pull request and config: the first time it is written, later it is written over.
set -euo pipefail

comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
marker=$(head -n 1 "$COMMENT")
mine=$(gh api --paginate "$comments" \
  --jq ".[] | select(.user.type == \"Bot\" and (.body | startswith($(jq -n --arg m "$marker" '$m')))) | .id" |
  head -n 1)
if [[ -n $mine ]]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$mine" --field "body=@$COMMENT"
else
  gh api --silent --method POST "$comments" --field "body=@$COMMENT"
fi
