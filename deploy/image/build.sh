#!/bin/sh
# Stage "build" of the Dockerfile: compiles the sources, and writes all files that the image gets from this repository.
#
#   deploy/image/build.sh ROOT      ROOT becomes the root folder of the image; needs node_modules (npm ci)
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
root=$(cd "$1" && pwd)
cd "$repository"

node bin/build.mjs product
home=$root/opt/kube-proxy-node
mkdir -p "$home/bin" "$home/lib/kube-proxy"
node deploy/image/bundle.mjs "$home/lib/kube-proxy"
mv "$home/lib/kube-proxy/THIRD-PARTY-LICENSES.txt" "$home"
cp LICENSE "$home"
# The program reads its version there, and Node.js that the files are ES modules.
node -e 'const { name, version, description, license, type } = JSON.parse(require("fs").readFileSync("package.json"))
process.stdout.write(JSON.stringify({ name, version, description, license, type }, null, 2) + "\n")' > "$home/package.json"
node deploy/image/sbom.mjs > "$home/sbom.spdx.json"

# Where the demo looks for the program, and where installers do.
ln -sf ../lib/kube-proxy/kube-proxy.js "$home/bin/kube-proxy.js"
chmod 755 "$home/lib/kube-proxy/kube-proxy.js"
cp -R deploy/image/root/. "$root"
ln -sf /opt/kube-proxy-node/lib/kube-proxy/kube-proxy.js "$root/usr/local/bin/kube-proxy"
