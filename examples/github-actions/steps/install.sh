#!/usr/bin/env bash
# Installs exactly the files whose hashes are beside this script, and builds nothing.
set -euo pipefail
cd "$(dirname "$0")"
exec python3 -m pip install --quiet --require-hashes --only-binary :all: -r requirements.txt
