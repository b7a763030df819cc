# syntax=docker/dockerfile:1
ARG NODE_VERSION=24

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY bin ./bin
COPY lib ./lib
RUN node bin/build.mjs product && npm prune --omit=dev --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim
# The iptables package has both back ends; the proxy detects at its start which one the node uses. With conntrack the proxy
# deletes UDP flows to endpoints that are gone. ipvs mode needs ipset, ipvsadm and iproute2.
RUN apt-get update \
 && apt-get install -y --no-install-recommends iptables conntrack ipset ipvsadm iproute2 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/kube-proxy-node
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
RUN ln -s /opt/kube-proxy-node/dist/bin/kube-proxy.js /usr/local/bin/kube-proxy \
 && chmod +x dist/bin/kube-proxy.js
# Needs the host's network and the capability NET_ADMIN (legacy iptables: NET_RAW too).
ENTRYPOINT ["kube-proxy"]
