# The local recipe in a container: the whole stack of locks/local.txt on CPU (about 5 GB).
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY locks/local.txt locks/uv.txt locks/hashes.txt locks/
COPY scripts/locked.sh scripts/
COPY infra/vllm_cpu_metadata infra/vllm_cpu_metadata
# torch must be the CPU build. LINKS is a folder or page of wheels that holds it; empty takes PyTorch's own CPU index.
ARG LINKS=
RUN python3 -m venv /opt/verif \
 && scripts/locked.sh locks/uv.txt >locked-uv.txt && scripts/locked.sh locks/local.txt >locked.txt \
 && /opt/verif/bin/python -m pip install --no-cache-dir --require-hashes -r locked-uv.txt \
 && if [ -n "${LINKS}" ]; then export UV_FIND_LINKS="${LINKS}"; else export UV_TORCH_BACKEND=cpu; fi \
 && /opt/verif/bin/uv pip install --python /opt/verif/bin/python --no-deps --no-cache --compile-bytecode --require-hashes -r locked.txt \
 && /opt/verif/bin/uv pip install --python /opt/verif/bin/python --no-deps --no-cache --no-build-isolation ./infra/vllm_cpu_metadata
COPY pyproject.toml README.md LICENSE ./
COPY verif verif
COPY flows flows
RUN /opt/verif/bin/uv pip install --python /opt/verif/bin/python --no-deps --no-cache --no-build-isolation .
# DVC and the lineage need a repository. Only the commit travels: no history, stash, remote or its password; and of the
# files only those that the commit names: what lies beside them may be a secret (.dockerignore keeps out the rest).
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY . /project
RUN git clone --quiet --depth 1 --no-checkout file:///project /commit \
 && git -C /commit remote remove origin && git -C /commit reset --quiet \
 && rm -rf /project/.git && mv /commit/.git /project/.git \
 && git -C /project clean --quiet -ffdx

FROM ${BASE}
ARG COMMIT=unknown
ARG LOCK=unknown
LABEL org.opencontainers.image.title="verif cpu" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      dev.verif.lock="${LOCK}"
# git and make: the container runs the same commands as a laptop. libgomp and libnuma: torch and vLLM on CPU.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends git make libgomp1 libnuma1 ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 verif && useradd --uid 10001 --gid verif --create-home verif
COPY --from=build /opt/verif /opt/verif
COPY --from=build --chown=10001:10001 /project /home/verif/project
WORKDIR /home/verif/project
# `make run` and `make test-fast` find the environment that the locks ask for and install nothing.
RUN ln -s /opt/verif .venv && scripts/setup.sh --adopt
ENV PATH=/opt/verif/bin:$PATH PYTHONUNBUFFERED=1 DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1 VERIF_LOCK=${LOCK}
USER 10001:10001
HEALTHCHECK NONE
CMD ["verif", "run", "--recipe", "local"]
