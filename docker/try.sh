#!/usr/bin/env bash
# Builds the image and tries it: as one process, and as the split behind Envoy, with every file of this folder in use.
#
#     bash docker/try.sh               # about three minutes the first time, one after that
#     KEEP=1 bash docker/try.sh        # leaves the split running until Enter is pressed
#
# Needs root and Debian: podman, buildah, runc, debootstrap and psql are installed where they are missing. No image registry is asked: the
# base image is made here, of Debian's packages and npm's `node`. Containers use the machine's network, on 127.0.0.1 and ports from 23000.
# Too slow for `npm test`, which checks what these files say (apps/shop/test/envoy-routes.spec.ts).
set -euo pipefail
cd "$(dirname "$0")/.."

NODE_MAJOR=${NODE_MAJOR:-24}
BASE=localhost/fledge-base:node$NODE_MAJOR
IMAGE=localhost/fledge-shop:try
SERVICES=(identity catalog inventory ordering payments shipping notifications)
WORK=$(mktemp -d)
STARTED=()
# as little as compose.yaml gives a service, and nowhere to write at all
RUN=(--network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --cap-drop all --security-opt no-new-privileges
  --read-only --read-only-tmpfs=false --pull never -e HTTP_HOST=127.0.0.1 -e FLEDGE_DEMO=true -e PAYMENTS_WEBHOOK_SECRET=a-secret-for-a-trial -e SMTP_URL=mailbox
  # what compose.yaml allows for a trial
  -e 'PRODUCTION_ALLOW=demo-users demo-data payments-sandbox public-mailbox weak-secret plain-nats plain-postgres' -e FLEDGE_DATABASE_LOGINS=own)

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
# podman says of each container that systemd, which would run its health checks, is not here
podman() { command podman "$@" 2> >(grep -v 'systemd connection' >&2); }

cleanup() {
  podman rm --force --ignore --time 5 fledge-try-shop "${SERVICES[@]/#/fledge-try-}" >/dev/null || true
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" || true; done
  rm -rf "$WORK"
}
trap cleanup EXIT

# until SECONDS COMMAND…: tries it until it succeeds
until_true() {
  local limit=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $limit ] || fail "not within its time: $*"
    sleep 0.2
  done
}

# valid FILE COMMAND…: the program that reads the file finds no fault in it
valid() {
  local file=$1; shift
  "$@" "$file" >"$WORK/valid.log" 2>&1 || { tail -3 "$WORK/valid.log"; fail "$file is not valid"; }
}

install_tools() {
  local missing=()
  for tool in podman buildah runc debootstrap psql; do
    command -v $tool >/dev/null || missing+=("${tool/psql/postgresql-client}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]}"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# As docker.io/library/node:24-bookworm-slim is, as far as the Dockerfile uses it.
make_base() {
  command podman image exists $BASE && return
  say "making $BASE"
  local root=$WORK/base
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$WORK/debootstrap.log" ||
    fail "debootstrap: $(tail -1 "$WORK/debootstrap.log")"
  mkdir "$WORK/node"
  npm install --silent --no-save --prefix "$WORK/node" "node@$NODE_MAJOR"
  install "$WORK/node/node_modules/node/bin/node" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules"
  cp -a "$(npm root --global)/npm" "$root/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  # what this machine trusts, so that npm reaches its registry from within a build
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  chroot "$root" useradd --uid 1000 --create-home node
  tar -C "$root" -c . | podman import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - $BASE >/dev/null
}

build_image() {
  say 'building the image'
  buildah bud --isolation chroot --format docker --layers --pull-never --ulimit nofile=1024:1024 --build-arg BASE=$BASE \
    -f docker/Dockerfile -t $IMAGE . >"$WORK/build.log" 2>&1 || { tail -30 "$WORK/build.log"; fail 'the image does not build'; }
  podman images --format '{{.Repository}}:{{.Tag}} {{.Size}}' $IMAGE
}

# PostgreSQL as compose.yaml has it: the embedded server, prepared by docker/postgres/create-shop.sql.
start_postgres() {
  node --input-type=module - "$WORK/postgres" >"$WORK/postgres.url" 2>"$WORK/postgres.log" <<'JS' &
    import { startEmbeddedPostgres } from './dist/libs/kit/src/operations.js';
    const server = await startEmbeddedPostgres({ dir: process.argv[2], port: 23432, persistent: false });
    console.log(server.url);
    const alive = setInterval(() => undefined, 60_000);
    process.on('SIGTERM', () => { clearInterval(alive); void server.stop(); });
JS
  STARTED+=($!)
  until_true 30 grep -q postgres "$WORK/postgres.url"
  SHOP_DATABASE_PASSWORD=s3cret psql --quiet -v ON_ERROR_STOP=1 -f docker/postgres/create-shop.sql "$(cat "$WORK/postgres.url")"
  RUN+=(-e DATABASE_URL=postgres://shop:s3cret@127.0.0.1:23432/shop)
}

start_nats() {
  local server; server=$(node apps/cli/servers/servers.mjs nats-server)
  sed -e 's/0\.0\.0\.0:4222/127.0.0.1:23422/' -e 's/0\.0\.0\.0:8222/127.0.0.1:23822/' -e "s#/data/jetstream#$WORK/jetstream#" \
    docker/nats/nats.conf >"$WORK/nats.conf"
  valid docker/nats/nats.conf "$server" -t -c
  "$server" -c "$WORK/nats.conf" >"$WORK/nats.log" 2>&1 &
  STARTED+=($!)
  until_true 10 curl -sf 127.0.0.1:23822/healthz
  RUN+=(-e NATS_URL=nats://127.0.0.1:23422)
}

# Envoy with docker/envoy/envoy.yaml: only the addresses are this machine's.
start_envoy() {
  local envoy port=23001 edits=(
    -e 's/address: 0\.0\.0\.0, port_value: 3000/address: 127.0.0.1, port_value: 23000/'
    -e 's/address: 0\.0\.0\.0, port_value: 9902/address: 127.0.0.1, port_value: 23902/'
    -e 's/port_value: 9901/port_value: 23901/')
  envoy=$(node apps/cli/servers/servers.mjs envoy)
  valid docker/envoy/envoy.yaml "$envoy" --mode validate -c
  for service in "${SERVICES[@]}"; do edits+=(-e "s/address: $service, port_value: 3000/address: 127.0.0.1, port_value: $((port++))/"); done
  sed "${edits[@]}" docker/envoy/envoy.yaml >"$WORK/envoy.yaml"
  "$envoy" -c "$WORK/envoy.yaml" --base-id 23 --concurrency 1 --log-level warn >"$WORK/envoy.log" 2>&1 &
  STARTED+=($!)
}

# start_service NAME PORT [setting…]: a container, checked to be as the Dockerfile promises
start_service() {
  local name=fledge-try-$1 port=$2; shift 2
  podman run --detach --name "$name" "${RUN[@]}" -e PORT="$port" "${@/#/--env=}" $IMAGE >/dev/null
  local limit=$((SECONDS + 60))
  until curl -sf "127.0.0.1:$port/readyz" >/dev/null; do
    [ $SECONDS -lt $limit ] && [ "$(podman inspect -f '{{.State.Running}}' "$name")" = true ] ||
      { podman logs "$name"; fail "$name does not become ready"; }
    sleep 0.2
  done
  local uid; uid=$(podman exec "$name" node -p 'process.getuid()')
  [ "$uid" = 1000 ] || fail "$name runs as $uid"
  podman exec "$name" node -e 'fs.writeFile("/app/x", "", (error) => process.exit(error?.code === "EROFS" ? 0 : 1))' ||
    fail "$name can write to its file system"
  podman healthcheck run "$name" >/dev/null || fail "the health check of $name fails while it is ready"
}

# stop_service NAME: SIGTERM to process 1, which drains and ends with 0
stop_service() {
  local name=fledge-try-$1 from=$SECONDS
  podman stop --time 20 "$name" >/dev/null
  local code; code=$(podman inspect -f '{{.State.ExitCode}}' "$name")
  [ "$code" = 0 ] || { podman logs --tail 20 "$name"; fail "$name ended with $code"; }
  [ $((SECONDS - from)) -le 8 ] || fail "$name took $((SECONDS - from)) s to stop"
  podman rm "$name" >/dev/null
}

# call METHOD PATH [BODY]: the answer's body; fails unless its status is EXPECT (default 2xx)
call() {
  local answer status body=()
  [ $# -lt 3 ] || body=(-d "$3")
  answer=$(curl -s -m 15 -w '\n%{http_code}' -X "$1" "127.0.0.1:$PORT$2" -H 'content-type: application/json' \
    ${TOKEN:+-H "authorization: Bearer $TOKEN"} "${body[@]}")
  status=${answer##*$'\n'}
  [[ $status == ${EXPECT:-2??} ]] || fail "$1 $2 on port $PORT: $answer"
  printf '%s' "${answer%$'\n'*}"
}
pick() { node -p "const it = JSON.parse(fs.readFileSync(0, 'utf8')); $1" 2>/dev/null; }

# journey PORT: what a buyer does, told in lines that must be the same in every topology
journey() {
  local PORT=$1 TOKEN='' EXPECT='' email product order
  email=$(node -p 'crypto.randomUUID()')@example.com
  call POST /auth/register "{\"email\":\"$email\",\"password\":\"a long enough passphrase\"}" | pick '`registered as ${it.roles}`'
  TOKEN=$(call POST /auth/login "{\"email\":\"$email\",\"password\":\"a long enough passphrase\"}" | pick 'it.accessToken')
  product=$(call GET '/products?limit=1' | pick 'it.items[0].id')
  call POST /cart/items "{\"productId\":\"$product\",\"quantity\":2}" | pick '`in the cart: ${it.quantity}`'
  call GET /cart | pick '`worth ${it.totalMinor} ${it.currency}, to be had: ${it.items[0].orderable}`'
  order=$(call POST /orders '{}' | pick 'it.id')
  call GET "/orders/$order" | pick '`${it.state}: ${it.lines[0].quantity} of ${it.lines[0].name} for ${it.totalMinor} ${it.currency}`'
  call POST "/orders/$order/cancel" '{}' | pick '`then ${it.history.map((step) => step.state).join(", ")}`'
  EXPECT=404 call GET /nothing/here | pick '`${it.status} ${it.code}: ${it.detail}`'
  EXPECT=400 call POST /cart/items '{broken' | pick '`${it.status} ${it.code}`'
  TOKEN='' EXPECT=401 call GET /orders | pick '`${it.status} ${it.code}`'
}

# the names and labels of the series of calls, from /metrics of the given ports; the exposition must be valid
call_series() {
  local promtool; promtool=$(node apps/cli/servers/servers.mjs promtool)
  for port in "$@"; do
    curl -sf "127.0.0.1:$port/metrics" >"$WORK/metrics"
    # three gauges of prom-client's own end in _total, which promtool takes for counters
    "$promtool" check metrics <"$WORK/metrics" 2>&1 | grep -v '^nodejs_active_' >"$WORK/promtool.log" || true
    [ ! -s "$WORK/promtool.log" ] || { cat "$WORK/promtool.log" >&2; fail "the metrics of port $port are not well formed"; }
    cat "$WORK/metrics"
  done | { grep '^fledge_call_duration_seconds' || true; } | sed -E 's/transport="[a-z]+"/transport="…"/; s/ [^ ]+$//' | sort -u
}

try_monolith() {
  say 'one process'
  start_service shop 23001
  journey 23001 | tee "$WORK/monolith.txt"
  call_series 23001 >"$WORK/monolith.series"
  stop_service shop
}

try_split() {
  say 'the split, behind Envoy'
  local port=23001
  for service in "${SERVICES[@]}"; do start_service "$service" $((port++)) FLEDGE_TOPOLOGY=config/split.yaml FLEDGE_SERVICE="$service"; done
  start_envoy
  until_true 20 curl -sf 127.0.0.1:23000/readyz
  journey 23000 | tee "$WORK/split.txt"
  diff "$WORK/monolith.txt" "$WORK/split.txt" || fail 'the split answers otherwise than one process'
  call_series 23001 23002 23003 23004 >"$WORK/split.series"
  diff <(series_names "$WORK/monolith.series") <(series_names "$WORK/split.series") || fail 'metrics have other names in the split'
  for service in "${SERVICES[@]}"; do PORT=23000 call GET "/openapi/$service.json" | pick '`documents: ${Object.keys(it.paths).join(" ")}`'; done
  PORT=23000 EXPECT=404 call GET /openapi.json >/dev/null
  PORT=23000 EXPECT=404 call GET /metrics >/dev/null
  [[ $(curl -sf 127.0.0.1:23902/metrics) == *envoy_cluster_upstream_rq_total* ]] || fail "Envoy's own metrics are not served"
}

# what is compared: the calls of ordering that the journey makes, as which modules greet each other at a start is a matter of timing
series_names() { grep 'caller="ordering".*outcome="ok"' "$1"; }

try_outage() {
  say 'a service that stops, and comes back'
  stop_service catalog
  until_true 5 is_status 503 /readyz
  PORT=23000 EXPECT=503 call GET /products | pick '`${it.status} ${it.code}: ${it.detail}`'
  PORT=23000 EXPECT=401 call GET /orders >/dev/null
  start_service catalog 23002 FLEDGE_TOPOLOGY=config/split.yaml FLEDGE_SERVICE=catalog
  until_true 10 is_status 200 /readyz
  PORT=23000 call GET '/products?limit=1' >/dev/null
}
is_status() { [ "$(curl -s -o "$WORK/answer" -w '%{http_code}' "127.0.0.1:23000$2")" = "$1" ]; }

install_tools
[ -d node_modules ] || npm ci
npm run --silent build
valid docker/prometheus/prometheus.yml "$(node apps/cli/servers/servers.mjs promtool)" check config
make_base
build_image
start_postgres
start_nats
try_monolith
try_split
try_outage
[ -z "${KEEP:-}" ] || read -rp 'http://127.0.0.1:23000/products is open; Enter ends it. '
for service in "${SERVICES[@]}"; do stop_service "$service"; done
say 'all of it works'
