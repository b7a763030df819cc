#!/bin/sh
# Stage of the Dockerfile, in the root folder of the image and for each architecture: starts the programs once, so that Node.js
# writes their compiled code to NODE_COMPILE_CACHE. In a container with a read-only root file system the cache stays as it is.
set -eu
: "${NODE_COMPILE_CACHE:?has no value, expected the folder of the cache}"
mkdir -p "$NODE_COMPILE_CACHE"
if ! node -e 'process.exit(require("node:module").enableCompileCache ? 0 : 1)'; then
  echo "Node.js $(node --version) has no compile cache: the programs compile at each start" >&2
  exit 0
fi
programs=/opt/kube-proxy-node/lib/kube-proxy
manifests=$(mktemp -d)
trap 'rm -r "$manifests"' EXIT
# Without capabilities the proxy cannot change any rule: it reads its flags and its manifests, and then reports what it may not do.
setpriv --bounding-set=-all kube-proxy --manifests "$manifests" >/dev/null 2>&1 || true
# The other programs need a parent, and end at once without one: after they were compiled.
for program in parse-thread turn-watch-thread; do
  node "$programs/$program.js" >/dev/null 2>&1 || true
done
# Compiled code is for the options that it was compiled with: these are those of a worker.
node --max-semi-space-size=2 --initial-old-space-size=8 "$programs/worker-main.js" >/dev/null 2>&1 || true
written=$(find "$NODE_COMPILE_CACHE" -type f | wc -l)
if [ "$written" -lt 4 ]; then
  echo "The compile cache has $written files, expected one for each of 4 programs" >&2
  exit 1
fi
