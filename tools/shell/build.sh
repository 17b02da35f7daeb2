# Sourced by the scripts of tools/, which set $root: build_preset PRESET [cmake options]. Configures and builds build/PRESET with
# a line per tenth of the way; what the compiler said goes to build/PRESET/build.log and is shown if the build fails.
# shellcheck shell=bash disable=SC2154
set -o pipefail

build_preset() {
    local preset=$1 directory=$root/build/$1 started=$SECONDS
    shift
    mkdir -p "$directory"
    if ! (cd "$root" && cmake --preset "$preset" "$@") >"$directory/configure.log" 2>&1; then
        tail -n 30 "$directory/configure.log" >&2
        echo "configuring the $preset preset failed: $directory/configure.log has all of it" >&2
        return 1
    fi
    if ! (cd "$root" && NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset") 2>&1 | tee "$directory/build.log" | show_tenths "$preset"; then
        grep -v '^\[[0-9]*/[0-9]*\] ' "$directory/build.log" | head -n 60 >&2
        echo "building the $preset preset failed: $directory/build.log has all of it" >&2
        return 1
    fi
    echo "$preset: built in $((SECONDS - started)) s"
}

show_tenths() {
    awk -v preset="$1" -F '[][/ ]' '/^\[[0-9]+\/[0-9]+\]/ {
        tenth = int($2 * 10 / $3)
        if (tenth > last && $3 > 20) { printf "%s: %d of %d\n", preset, $2, $3; fflush() }
        last = tenth
    }'
}
