# GPU stages: veRL and vLLM from the public base (torch 2.11, vllm 0.24 are veRL's own pins), verif on top.
# There is no default: name the base by digest, e.g. --build-arg BASE=verlai/verl@sha256:...
ARG BASE
# hadolint ignore=DL3006
FROM ${BASE}
ARG COMMIT=unknown
ARG LOCK=unknown
LABEL org.opencontainers.image.title="verif trainer" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${COMMIT}" \
      dev.verif.lock="${LOCK}"
USER 0:0
WORKDIR /src
COPY locks/orchestrator.txt locks/verifier.txt locks/build.txt locks/
# What the base already has (torch, vllm, ray, transformers, numpy) is never replaced: the lock's other packages
# go into a folder behind it on the path.
RUN python3 -m pip install --no-cache-dir --no-deps --target /opt/verif/site -r locks/build.txt -r locks/orchestrator.txt
COPY pyproject.toml README.md LICENSE ./
COPY verif verif
COPY flows flows
RUN PYTHONPATH=/opt/verif/site python3 -m pip install --no-cache-dir --no-deps --no-build-isolation --target /opt/verif/site . \
 && python3 -c "import site; open(site.getsitepackages()[0] + '/verif.pth', 'w').write('/opt/verif/site\n')" \
 && (getent group 10001 || groupadd --gid 10001 verif) && useradd --uid 10001 --gid 10001 --create-home verif
ENV PATH=/opt/verif/site/bin:$PATH PYTHONUNBUFFERED=1 DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1
WORKDIR /workspace
USER 10001:10001
HEALTHCHECK NONE
CMD ["python3", "-m", "verif.cluster.pod"]
