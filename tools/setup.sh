#!/bin/sh
# Make .venv and install one of the locked lists: setup.sh base|test|bench|web (spark: with VENV=.venv-spark). Says in one sentence what is missing.
set -u
list=${1:-base}
venv=${VENV:-.venv}
cd "$(dirname "$0")/.." || exit 1
fail() { echo "cityloom: $1" >&2; exit 1; }

python=${PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 || fail "python3 is not installed; install Python 3.11, 3.12 or 3.13 and run make again."
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
  || fail "$("$python" -V 2>&1) is not supported; install Python 3.11, 3.12 or 3.13, or name one: make PYTHON=python3.12 $list."
"$python" -c 'import platform, sys; sys.exit(platform.libc_ver()[0] != "glibc")' \
  || fail "this is not a glibc Linux; the locked libraries come as ready-made wheels for glibc Linux only."
"$python" -c 'import venv, ensurepip' 2>/dev/null \
  || fail "Python's venv module is missing; install it (Debian and Ubuntu: python3-venv) and run make again."

stamp=$venv/.installed-$list
if [ -f "$stamp" ] && cmp -s "requirements/$list.txt" "$stamp"; then exit 0; fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || fail "the virtual environment $venv could not be made here."
echo "Installing the locked libraries ($list); the first time this takes a minute or two."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: \
  $([ "$list" = spark ] && echo --no-binary pyspark) --require-hashes -r "requirements/$list.txt" || fail "the libraries could not be installed; see pip's message above."
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
pwd > "$site/cityloom.pth"
cat > "$venv/bin/cityloom" <<'SCRIPT'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m cityloom "$@"
SCRIPT
chmod +x "$venv/bin/cityloom"
cp "requirements/$list.txt" "$stamp"
