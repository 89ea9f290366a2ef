# The two commands in a container of the system that they are tested on. Never built: no Docker was at
# hand; tests/contract/test_dockerfile.py holds that what is named here exists.
#
#   docker build --tag glyphite .
#   docker run --rm glyphite                 # make demo
#   docker run --rm glyphite make test
#   docker run --rm --volume "$PWD/build:/glyphite/build" glyphite    # keeps what the demo makes
FROM debian:12

RUN apt-get update && apt-get install --yes --no-install-recommends \
    ca-certificates gcc git libc6-dev make python3 python3-venv && \
    rm -rf /var/lib/apt/lists/*

WORKDIR /glyphite
COPY . .
RUN make setup

CMD ["make", "demo"]
