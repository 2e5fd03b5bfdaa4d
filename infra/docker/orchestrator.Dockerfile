# Prefect flows, DVC, MLflow and the Kubernetes client: what submits and watches. No torch.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY locks/orchestrator.txt locks/build.txt locks/hashes.txt locks/
COPY scripts/locked.sh scripts/
RUN python3 -m venv /opt/verif \
 && scripts/locked.sh locks/build.txt locks/orchestrator.txt >locked.txt \
 && /opt/verif/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r locked.txt
COPY pyproject.toml README.md LICENSE ./
COPY verif verif
COPY flows flows
RUN /opt/verif/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/verif/bin/python -m compileall -q /opt/verif/lib

FROM ${BASE}
ARG COMMIT=unknown
ARG LOCK=unknown
LABEL org.opencontainers.image.title="verif orchestrator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      dev.verif.lock="${LOCK}"
# git: a run works in its own clone of the commit.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends git ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 verif && useradd --uid 10001 --gid verif --create-home verif
COPY --from=build /opt/verif /opt/verif
WORKDIR /home/verif
ENV PATH=/opt/verif/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=20s CMD ["verif", "--help"]
ENTRYPOINT ["prefect"]
CMD ["worker", "start", "--pool", "gpu", "--type", "process"]
