# The binary, the certificate authorities and a folder for its state: nothing else, and no shell.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags='-s -w' -o /out/yardarm ./cmd/yardarm
RUN mkdir -p /out/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/yardarm /yardarm
COPY --from=build --chown=65532:65532 /out/state /state
# The last good state and the mirror are in /state, compiled flags in /state/cache; nothing else is written.
ENV STATE_DIRECTORY=/state XDG_CACHE_HOME=/state/cache
USER 65532:65532
VOLUME /state
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/yardarm", "ready", "127.0.0.1:8080"]
ENTRYPOINT ["/yardarm"]
CMD ["serve", "--help"]
