# GPU stages: veRL and vLLM from the public base (torch 2.11, vllm 0.24 are veRL's own pins), verif on top.
# There is no default: name the base by digest, e.g. --build-arg BASE=verlai/verl@sha256:...
ARG BASE

# hadolint ignore=DL3006
FROM ${BASE} AS build
# hadolint ignore=DL3002
USER 0:0
WORKDIR /src
COPY locks/orchestrator.txt locks/evaluation.txt locks/verifier.txt locks/build.txt locks/hashes.txt locks/
COPY scripts/locked.sh scripts/
# What the base already has (torch, vllm, ray, transformers, numpy) is never replaced: the lock's other packages
# go into a folder behind it on the path.
RUN scripts/locked.sh locks/build.txt locks/orchestrator.txt locks/evaluation.txt >locked.txt \
 && python3 -m pip install --no-cache-dir --no-deps --require-hashes --target /opt/verif/site -r locked.txt
COPY pyproject.toml README.md LICENSE ./
COPY verif verif
COPY flows flows
# A folder of its own: pip leaves out the command `verif` where --target has a bin/ already.
# Jobs run `python`. A base may have python3 alone, and a link to one in a virtual environment would leave it: a script.
RUN PYTHONPATH=/opt/verif/site python3 -m pip install --no-cache-dir --no-deps --no-build-isolation --target /opt/verif/own . \
 && printf '#!/bin/sh\nexec %s "$@"\n' "$(command -v python3)" >/opt/verif/own/bin/python \
 && chmod 755 /opt/verif/own/bin/python

# hadolint ignore=DL3006
FROM ${BASE}
ARG COMMIT=unknown
ARG LOCK=unknown
LABEL org.opencontainers.image.title="verif trainer" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      dev.verif.lock="${LOCK}"
USER 0:0
COPY --from=build /opt/verif /opt/verif
RUN python3 -c "import site; open(site.getsitepackages()[0] + '/verif.pth', 'w').write('/opt/verif/own\n/opt/verif/site\n')" \
 && (getent group 10001 || groupadd --gid 10001 verif) && useradd --uid 10001 --gid 10001 --create-home verif
ENV PATH=/opt/verif/own/bin:/opt/verif/site/bin:$PATH PYTHONUNBUFFERED=1 DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1 VERIF_LOCK=${LOCK}
WORKDIR /workspace
USER 10001:10001
HEALTHCHECK NONE
CMD ["python", "-m", "verif.cluster.inside_pod"]
