#!/bin/bash
# The demo itself: every one of its steps is an assertion.
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
exec "$(dirname "$0")/../../tools/demo" --no-build
