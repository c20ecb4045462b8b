# shellcheck shell=bash
# shellcheck disable=SC2154 # $objects is the caller's.
# Functions that start a pod of the chart without a cluster, in the sandbox of a Nix build. They need $objects, a file
# with the manifests of the chart as a JSON array, and the programs bwrap, curl and jq.

# unpack HANDOVER COMPONENT: unpacks the layers of the image into COMPONENT/rootfs, in their order, and copies its
# configuration to COMPONENT/image.json.
unpack() {
  local directory=$2 layer
  mkdir -p "$directory/archive" "$directory/rootfs"
  "$1/archive" "$directory/image.tar"
  tar --extract --file "$directory/image.tar" --directory "$directory/archive"
  for layer in $(jq --raw-output '.[0].Layers[]' "$directory/archive/manifest.json"); do
    tar --extract --file "$directory/archive/$layer" --directory "$directory/rootfs"
    # The next layer may add files to the same directories, which the container sees read-only.
    chmod -R u+w "$directory/rootfs"
  done
  mv "$directory/archive/$(jq --raw-output '.[0].Config' "$directory/archive/manifest.json")" "$directory/image.json"
  rm -r "$directory/archive" "$directory/image.tar"
}

# workload COMPONENT FILTER: prints the result of the jq filter for the component's Deployment or StatefulSet.
workload() {
  jq --arg name "todo-$1" --raw-output \
    ".[] | select((.kind == \"Deployment\" or .kind == \"StatefulSet\") and .metadata.name == \$name) | $2" "$objects"
}

# volumes COMPONENT: creates a directory for each volume of the pod in COMPONENT/volumes, with the files of its
# ConfigMaps.
volumes() {
  local volume key content
  for volume in $(workload "$1" '(.spec.template.spec.volumes // []) + ((.spec.volumeClaimTemplates // []) | map({name: .metadata.name})) | .[].name'); do
    mkdir -p "$1/volumes/$volume"
  done
  workload "$1" '.spec.template.spec.volumes // [] | .[]' | jq --compact-output --raw-output --slurpfile objects "$objects" '
    .name as $volume | (.configMap.name, (.projected.sources // [] | .[].configMap.name)) | values | . as $name |
    $objects[0][] | select(.kind == "ConfigMap" and .metadata.name == $name) | .data | to_entries[] |
    "\($volume) \(.key) \(.value | @base64)"' | while read -r volume key content; do
    base64 --decode <<<"$content" >"$1/volumes/$volume/$key"
  done
}

# arguments COMPONENT CONTAINER: prints the arguments of bwrap for a container of the pod, each ended by a zero byte:
# its user, its environment, its mounts.
arguments() {
  local directory
  directory=$(realpath "$1")
  workload "$1" '.spec.template.spec' | jq --arg container "$2" --arg directory "$directory" --raw-output0 \
    --slurpfile objects "$objects" --slurpfile image "$1/image.json" '
    def data($kind; $name): first($objects[0][] | select(.kind == $kind and .metadata.name == $name).data) //
      error("the chart has no \($kind) \($name)") | if $kind == "Secret" then map_values(@base64d) else . end;
    def value: .value // (.valueFrom | (.configMapKeyRef // empty | data("ConfigMap"; .name)[.key]),
      (.secretKeyRef // empty | data("Secret"; .name)[.key]));
    .volumes as $volumes | .securityContext as $pod |
    ((.initContainers // []) + .containers)[] | select(.name == $container) |
    if .securityContext.readOnlyRootFilesystem and $pod.runAsNonRoot then . else error("not restricted: \($container)") end |
    "--unshare-user", "--uid", "\($pod.runAsUser)", "--gid", "\($pod.runAsGroup)", "--unshare-pid", "--die-with-parent",
    "--ro-bind", "\($directory)/rootfs", "/", "--proc", "/proc", "--dev", "/dev",
    "--ro-bind", "\($directory)/hosts", "/etc/hosts",
    (.volumeMounts // [] | .[] | . as $mount |
      (if any($volumes[]?; .name == $mount.name and (.configMap or .projected)) then "--ro-bind" else "--bind" end),
      "\($directory)/volumes/\(.name)\(if .subPath then "/" + .subPath else "" end)", .mountPath),
    "--chdir", ($image[0].config.WorkingDir // "/"), "--clearenv",
    ([($image[0].config.Env // [] | .[] | capture("^(?<key>[^=]+)=(?<value>.*)$"; "s")),
      (.envFrom // [] | .[] | data("ConfigMap"; .configMapRef.name) | to_entries[]),
      (.env // [] | .[] | {key: .name, value: value})] | from_entries | to_entries[] | "--setenv", .key, .value)'
}

# command_of COMPONENT CONTAINER: prints the words of the container's command, each ended by a zero byte.
command_of() {
  workload "$1" '.spec.template.spec' | jq --arg container "$2" --raw-output0 --slurpfile image "$1/image.json" '
    ((.initContainers // []) + .containers)[] | select(.name == $container) |
    ((.command // $image[0].config.Entrypoint) + (.args // $image[0].config.Cmd // []))[]'
}

# run COMPONENT CONTAINER [COMMAND...]: runs the container's command, or another one, in the container.
run() {
  local command=("${@:3}")
  ((${#command[@]} > 0)) || mapfile -d '' command < <(command_of "$1" "$2")
  bwrap --args 3 "${command[@]}" 3< <(arguments "$1" "$2")
}

# ready COMPONENT CONTAINER: succeeds if the container's readiness probe does.
ready() {
  local probe port path command
  probe=$(workload "$1" ".spec.template.spec.containers[] | select(.name == \"$2\") | .readinessProbe + {ports} | tojson")
  if [[ $(jq 'has("exec")' <<<"$probe") == true ]]; then
    mapfile -d '' command < <(jq --raw-output0 '.exec.command[]' <<<"$probe")
    run "$1" "$2" "${command[@]}"
  else
    port=$(jq '.httpGet.port as $port | .ports[] | select(.name == $port).containerPort' <<<"$probe")
    path=$(jq --raw-output .httpGet.path <<<"$probe")
    curl --silent --show-error --fail --max-time 5 "http://127.0.0.1:$port$path"
  fi
}

# pod COMPONENT: runs the pod's init containers, starts its containers, and returns when each of them is ready. If a
# container ends or is not ready within two minutes, it fails with the log of the container.
pod() {
  local container kind target names end process
  mkdir -p "$1/volumes"
  names=$(jq --raw-output '[.[] | select(.kind == "Service").metadata.name] | join(" ")' "$objects")
  echo "127.0.0.1 localhost $names" >"$1/hosts"
  volumes "$1"
  # A container runtime creates missing mount points, also in a root that is read-only for the container.
  mkdir -p "$1/rootfs"/{proc,dev,etc}
  touch "$1/rootfs/etc/hosts"
  # A mount with a subPath is a file. Any other mount is a directory.
  while read -r kind target; do
    target=$1/rootfs$target
    if [[ $kind == file ]]; then mkdir -p "$(dirname "$target")" && touch "$target"; else mkdir -p "$target"; fi
  done < <(workload "$1" '.spec.template.spec | ((.initContainers // []) + .containers)[].volumeMounts // [] | .[] |
    (if .subPath then "file" else "directory" end) + " " + .mountPath')
  for container in $(workload "$1" '.spec.template.spec.initContainers // [] | .[].name'); do
    echo "$1: running the init container $container"
    run "$1" "$container" || {
      echo "$1: the init container $container fails" >&2
      exit 1
    }
  done
  for container in $(workload "$1" '.spec.template.spec.containers[].name'); do
    echo "$1: starting the container $container"
    run "$1" "$container" >"$1/$container.log" 2>&1 &
    process=$!
    end=$((SECONDS + 120))
    until ready "$1" "$container" >"$1/probe.log" 2>&1; do
      if ((SECONDS > end)) || ! kill -0 $process 2>/dev/null; then
        cat "$1/$container.log" "$1/probe.log" >&2
        echo "$1: the container $container does not become ready" >&2
        exit 1
      fi
      sleep 0.2
    done
    echo "$1: ready: $(tail -n 1 "$1/probe.log")"
  done
}
