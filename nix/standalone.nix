# standalone PROGRAM: a tree for an image with the program in /bin, and as output `lib` a tree with its shared libraries
# in /lib. No store path in it is used at run time, so the content depends only on the program and the libraries.
{
  runCommand,
  patchelf,
}:
program:
let
  name = builtins.unsafeDiscardStringContext (baseNameOf program);
in
runCommand "${name}-standalone"
  {
    outputs = [
      "out"
      "lib"
    ];
    nativeBuildInputs = [ patchelf ];
    # libc contains its own store path, for files that it does not need.
    __structuredAttrs = true;
    unsafeDiscardReferences = {
      out = true;
      lib = true;
    };
  }
  ''
    mkdir -p $out/bin $lib/lib
    install -m 755 ${program} $out/bin/
    loader=$(patchelf --print-interpreter ${program})
    directories=$(dirname "$loader")

    add() { # add FILE: the libraries that it names, and theirs
      local directory name path
      for directory in $(patchelf --print-rpath "$1" | tr : ' '); do
        directories="$directories ''${directory/\$ORIGIN/$(dirname "$1")}"
      done
      for name in $(patchelf --print-needed "$1"); do
        [ ! -e $lib/lib/$name ] || continue
        path=
        for directory in $directories; do
          if [ -e $directory/$name ]; then path=$directory/$name; break; fi
        done
        [ -n "$path" ] || { echo "${name}: $name is in none of: $directories" >&2; exit 1; }
        install -m 755 "$path" $lib/lib/$name
        add "$path"
      done
    }
    add ${program}
    install -m 755 "$loader" $lib/lib/

    # patchelf is run twice, since setting both at once breaks some programs.
    for file in $out/bin/* $(find $lib/lib -type f ! -name "$(basename "$loader")" ! -name 'libc.so*'); do
      patchelf --set-rpath /lib $file
    done
    patchelf --set-interpreter "/lib/$(basename "$loader")" $out/bin/*
  ''
