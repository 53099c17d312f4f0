# One file, one target per role; the web image holds no TensorFlow. Built by docker-compose.yml.
ARG PYTHON=python:3.11.14-slim-trixie
FROM ${PYTHON} AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=survey_site.settings
WORKDIR /app
# pg_dump and pg_restore, for manage.py backup and restore: of the version of the database in docker-compose.yml.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 survey && mkdir /data /backups && chown survey:survey /data /backups

FROM base AS web
COPY requirements/web.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/web.txt
COPY . .
USER survey

FROM base AS reports
COPY requirements/reports.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/reports.txt
COPY . .
USER survey

FROM base AS worker
COPY requirements/worker.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/worker.txt
COPY . .
USER survey

FROM base AS worker-gpu
COPY requirements/worker-gpu.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/worker-gpu.txt
COPY . .
USER survey
