#!/bin/sh
# Stage of the Dockerfile, in the root folder of the image and for each architecture: adds Node.js and Debian's packages to the SBOM,
# which has the packages of npm from stage "build". The compile cache of the image is for its own programs, and not for this one.
set -eu
dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t${source:Package}\n' |
  env -u NODE_COMPILE_CACHE node "$(dirname "$0")/complete-sbom.mjs" /opt/kube-proxy-node/sbom.spdx.json
