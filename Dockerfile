# The server with its default model: docker build -t wiredesk . && docker run -p 127.0.0.1:50051:50051 wiredesk
# A container must listen on all its addresses; who reaches them is for `-p` to say, hence WIREDESK_INSECURE_PUBLIC.
# With a certificate (mounted, WIREDESK_TLS_CERT and WIREDESK_TLS_KEY) it is not needed; set it to false then.
FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin wiredesk \
    && cp target/release/wiredesk /wiredesk

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin wiredesk
COPY --from=build /wiredesk /usr/local/bin/wiredesk
USER 10001
ENV WIREDESK_LISTEN=0.0.0.0:50051 WIREDESK_INSECURE_PUBLIC=true
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["wiredesk", "health"]
ENTRYPOINT ["wiredesk"]
CMD ["serve"]
