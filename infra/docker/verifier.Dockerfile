# The verifier service: rules, checker sandbox, judge client. No torch; about 400 MB.
# BASE is any Debian with Python 3.11; pass it by digest for a reproducible build.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY locks/verifier.txt locks/build.txt locks/hashes.txt locks/
COPY scripts/locked.sh scripts/
RUN python3 -m venv /opt/verif \
 && scripts/locked.sh locks/build.txt locks/verifier.txt >locked.txt \
 && /opt/verif/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r locked.txt
COPY pyproject.toml README.md LICENSE ./
COPY verif verif
RUN /opt/verif/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/verif/bin/python -m compileall -q /opt/verif/lib

FROM ${BASE}
ARG COMMIT=unknown
ARG LOCK=unknown
LABEL org.opencontainers.image.title="verif verifier" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      dev.verif.lock="${LOCK}"
RUN groupadd --gid 10001 verif && useradd --uid 10001 --gid verif --no-create-home verif
COPY --from=build /opt/verif /opt/verif
COPY recipes /app/recipes
COPY plugins /app/plugins
WORKDIR /app
ENV PATH=/opt/verif/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8600
# Alive means that the process answers; ready (a real verdict) is the orchestrator's question, not the engine's.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8600/health', timeout=4)"]
ENTRYPOINT ["verif", "verifier"]
CMD ["serve", "--recipe", "local", "--host", "0.0.0.0", "--port", "8600"]
