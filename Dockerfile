# The monitor in a small image: built in one stage, run in another that has no compiler, no pip cache and no root.
#
#   docker build -t news-monitor .
#   docker run --rm -v news:/data news-monitor init             # once: commented monitor.yaml and rules.yaml into the volume
#   docker run --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -v news:/data -e DESK_SECRET --stop-timeout 15 --name news news-monitor
#
# Files of your own go in read-only, beside the database: -v "$PWD/rules.yaml:/data/rules.yaml:ro". A folder of the host
# in place of the volume must be writable for uid 10001.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/monitor
# The lock changes seldom, the code often: two layers.
COPY requirements.lock ./
RUN /opt/monitor/bin/python -m pip install --require-hashes --only-binary :all: -r requirements.lock
# Only setuptools, which builds our own wheel, comes from outside the lock, and it stays in this stage.
COPY pyproject.toml README.md LICENSE ./
COPY rules rules
COPY monitor monitor
RUN /opt/monitor/bin/python -m pip install --no-deps . && /opt/monitor/bin/python -m pip check

FROM python:${PYTHON}-slim
# Numbers, so that an orchestrator can see that it is not root.
RUN groupadd --system --gid 10001 monitor \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin monitor \
 && install --directory --owner 10001 --group 10001 /data
COPY --from=build /opt/monitor /opt/monitor
# Nothing is written outside /data and /tmp: byte code was compiled when the packages were installed.
ENV PATH=/opt/monitor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MONITOR_STORE=/data/monitor.db
USER 10001:10001
WORKDIR /data
VOLUME /data
# Docker keeps exit code 2 for itself, and `monitor status` means bad settings by it.
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD monitor status || exit 1
ENTRYPOINT ["monitor"]
CMD ["run"]
