# nix run .#update: writes nix/node-modules.json anew, for the Linux systems that this machine can build for.
cd "$(git rev-parse --show-toplevel)"
file=nix/node-modules.json
lock=$(sha256sum frontend/package-lock.json)
updated=$(< $file)
# Also when it is stopped half way.
trap 'cat > $file <<< "$updated"' EXIT
for system in $(jq --raw-output 'keys[] | select(endswith("linux"))' $file); do
  # The file is read when Nix evaluates: a wrong hash is refused, and the right one told.
  jq --arg system "$system" '.[$system] = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="' <<< "$updated" > $file
  said=$(nix build --no-link ".#packages.$system.node-modules" "$@" 2>&1 || true)
  is=$(sed -n 's/^ *got: *//p' <<< "$said")
  if [ -n "$is" ]; then
    echo "$system: $is"
    updated=$(jq --arg system "$system" --arg hash "$is" --arg lock "${lock%% *}" \
      '.[$system] = $hash | ."package-lock" = $lock' <<< "$updated")
  else
    echo "$system: left as it was; nix said:" >&2
    tail -n 5 <<< "$said" >&2
  fi
done
