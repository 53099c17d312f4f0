#!/bin/sh
# To the version in /opt/saliency-survey/NAME without a break, as root: sh upgrade.sh NAME   (docs/university-server.md)
#
# Migrations first: they only grow, so that the version in use works on. Then one web program after the other: nginx sends it
# nothing new, it ends what it has begun, starts as the new version, and is sent people when it answers. At the end the workers.
# Where something fails this ends there with status 1, and what was not restarted yet runs on; sh upgrade.sh OLD_NAME goes back.
set -eu
versions=${VERSIONS:-/opt/saliency-survey}
conf=${NGINX_CONF:-/etc/nginx/conf.d/survey.conf}
pid=${NGINX_PID:-/run/nginx.pid}
nginx=${NGINX_PROGRAM:-nginx}

fail() {
    echo "upgrade.sh: $*" >&2
    exit 1
}

new=${1:-}
[ -n "$new" ] && [ -x "$versions/$new/bin/saliency-survey" ] || fail "there is no $versions/$new/bin/saliency-survey; name a folder of a version"
ports=$(sed -n 's/server 127\.0\.0\.1:\([0-9]*\)\( down\)\{0,1\};/\n\1\n/gp' "$conf" | grep -x '[0-9]\+' || true)
[ "$(echo "$ports" | wc -w)" -ge 2 ] || fail "$conf names fewer than two web programs, of which one could serve meanwhile"

$nginx -t -q || fail "nginx does not take its configuration as it is"

by_hand() {
    systemd-run --quiet --pipe --wait --collect --uid=survey --property=EnvironmentFile=/etc/saliency-survey.env \
        "$versions/$new/bin/saliency-survey" "$@"
}

# The file as it is; returns when the processes that had read it before have ended what they had begun.
reload() {
    before=$(cat "/proc/$(cat "$pid")/task/"*/children)
    kill -HUP "$(cat "$pid")"
    for process in $before; do
        timeout 200 tail -s 0.1 -f "--pid=$process" /dev/null || true
    done
}

answers() {
    for _ in $(seq 60); do
        "$versions/$new/bin/python" -c "import urllib.request as u; u.urlopen('http://127.0.0.1:$1/healthz', timeout=5)" 2>/dev/null && return
        sleep 1
    done
    return 1
}

by_hand migrate --noinput || fail "the database is not up to date; the version in use runs on"
by_hand collectstatic --noinput || fail "the style sheets could not be gathered; the version in use runs on"
ln -sfn "$new" "$versions/current"
for port in $ports; do
    sed -i "s/server 127\.0\.0\.1:$port;/server 127.0.0.1:$port down;/" "$conf"
    reload
    systemctl restart "saliency-survey-web@$port"
    answers "$port" || fail "saliency-survey-web@$port does not answer and stays out of nginx: journalctl -u saliency-survey-web@$port"
    sed -i "s/server 127\.0\.0\.1:$port down;/server 127.0.0.1:$port;/" "$conf"
    reload
done
systemctl try-restart 'saliency-survey-worker*' saliency-survey-reports saliency-survey-scheduler
echo "$new runs."
