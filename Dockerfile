# syntax=docker/dockerfile:1
# The image for amd64 and arm64. Each step is a script of deploy/image; test/deploy/image.test.ts runs them without a container engine.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag kube-proxy-node:0.1.0 .
#
# docs/install.md explains the build arguments. `docker buildx imagetools inspect node:24-bookworm-slim` prints the digest of a newer base.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d
ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171

# JavaScript is the same for every architecture, so this stage runs on the architecture of the builder.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN deploy/image/build.sh /image

FROM ${NODE_IMAGE} AS node

# Not the image of Node.js: npm and yarn are a sixth of it, and the proxy needs neither.
FROM ${DEBIAN_IMAGE}
RUN --mount=type=bind,source=deploy/image,target=/stages /stages/install-packages.sh
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /image/ /
ENV NODE_COMPILE_CACHE=/opt/kube-proxy-node/compile-cache
RUN --mount=type=bind,source=deploy/image,target=/stages /stages/fill-compile-cache.sh
RUN --mount=type=bind,source=deploy/image,target=/stages /stages/complete-sbom.sh
ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="kube-proxy-node" \
      org.opencontainers.image.description="kube-proxy in TypeScript on Node.js: serves Kubernetes Services from userspace, with iptables or with IPVS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
# Docker only: Kubernetes has probes of its own (deploy/base/daemonset.yaml). KUBE_PROXY_HEALTH_PORT names another port than 10256.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["kube-proxy-probe"]
# Root, because only root gets capabilities; NET_ADMIN, NET_RAW and the network of the host suffice (docs/install.md).
ENTRYPOINT ["kube-proxy"]
