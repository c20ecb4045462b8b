# nix run .#update: writes nix/node-modules.json anew, for the Linux systems that this machine can build for.
cd "$(git rev-parse --show-toplevel)"
file=nix/node-modules.json
for system in $(jq --raw-output 'keys[] | select(endswith("linux"))' $file); do
  was=$(jq --raw-output --arg system "$system" '.[$system]' $file)
  # A wrong hash is refused, and the right one told.
  jq --arg system "$system" '.[$system] = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="' $file > $file.new
  mv $file.new $file
  said=$(nix build --no-link ".#packages.$system.node-modules" "$@" 2>&1 || true)
  is=$(sed -n 's/^ *got: *//p' <<< "$said")
  jq --arg system "$system" --arg hash "${is:-$was}" '.[$system] = $hash' $file > $file.new
  mv $file.new $file
  if [ -n "$is" ]; then
    echo "$system: $is"
  else
    echo "$system: left as it was; nix said:" >&2
    tail -n 5 <<< "$said" >&2
  fi
done
lock=$(sha256sum frontend/package-lock.json)
jq --arg lock "${lock%% *}" '."package-lock" = $lock' $file > $file.new
mv $file.new $file
