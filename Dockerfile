# Two images from one file: `--target cpu` (web, scheduler, workers) and `--target gpu` (workers for model inference).

FROM python:3.11.13-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PATH=/opt/venv/bin:$PATH \
    TF_CPP_MIN_LOG_LEVEL=3 \
    DATA_DIR=/var/lib/novamind
# What WeasyPrint prints reports with.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin novamind \
 && install -d -o novamind -g novamind -m 0700 /var/lib/novamind

FROM base AS builder
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY requirements requirements
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements/uv.lock \
 && python -m venv --without-pip /opt/venv

FROM builder AS packages-cpu
RUN uv pip sync --no-cache --python /opt/venv/bin/python --require-hashes requirements/base.lock

FROM builder AS packages-gpu
RUN uv pip sync --no-cache --python /opt/venv/bin/python --require-hashes requirements/gpu.lock

FROM base AS code
WORKDIR /srv/novamind
COPY . .
ENTRYPOINT ["deploy/entrypoint.sh"]

FROM code AS gpu
COPY --from=packages-gpu /opt/venv /opt/venv
USER novamind
CMD ["worker", "ml"]
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s CMD ["python", "manage.py", "healthy", "worker", "ml"]

FROM code AS cpu
COPY --from=packages-cpu /opt/venv /opt/venv
# Development settings: collecting files needs no secret, and none may end in a layer. The manifest is written under the
# storage production reads it with.
RUN DATA_DIR=/tmp/collect python deploy/collectstatic.py && rm -r /tmp/collect
USER novamind
EXPOSE 8000
CMD ["web"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["python", "deploy/healthcheck.py"]
