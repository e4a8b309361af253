# What the tests of the examples share; they read this file. They run in a new
# folder, with the program to test in $program.

program=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Wrong use: exit code 2, one line on standard error that names what is wrong.
#
#     refused WORD ARGUMENT...
refused() {
  local word=$1
  shift
  local status=0
  "$program" "$@" >out 2>err || status=$?
  [ "$status" = 2 ] || fail "$*: exit code $status"
  [ "$(wc -l <err)" = 1 ] || fail "$*: $(cat err)"
  grep -q -- "$word" err || fail "$*: $(cat err)"
}

# Whether FILE is a PNG of WIDTH x HEIGHT that has an end.
#
#     is_png FILE WIDTH HEIGHT
is_png() {
  local expected
  expected=$(printf '89504e470d0a1a0a0000000d49484452%08x%08x' "$2" "$3")
  [ "$(head -c 24 "$1" | od -An -tx1 | tr -d ' \n')" = "$expected" ] ||
    fail "$1 is no PNG of $2 x $3"
  [ "$(tail -c 12 "$1" | od -An -tx1 | tr -d ' \n')" = \
    0000000049454e44ae426082 ] || fail "$1 has no end"
}
