#!/bin/sh
# Stage of the Dockerfile, in the root folder of the image: installs the Debian packages that the proxy needs.
set -eu
export DEBIAN_FRONTEND=noninteractive
# The package iptables has both back ends; the proxy detects at its start which one the node uses. With conntrack the proxy deletes
# UDP flows to endpoints that are gone. ipvs mode needs ipset, ipvsadm, iproute2, and kmod to load modules; kube-proxy explain
# needs iproute2.
apt-get -q update
apt-get -q install -y --no-install-recommends libstdc++6 iptables conntrack ipset ipvsadm iproute2 kmod
apt-get -q clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /usr/share/doc /usr/share/man
