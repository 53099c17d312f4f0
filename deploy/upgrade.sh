#!/bin/sh
# To the version in /opt/saliency-survey/NAME without a break, as root: sh upgrade.sh NAME   (docs/university-server.md)
#
# Migrations first: they only grow, so that the version in use works on. Then one web program after the other: nginx sends it
# nothing new, it ends what it has begun, starts as the new version, and is sent people when it answers. At the end the workers.
# Where something fails this ends there with status 1, and what was not restarted yet runs on. `current` names the version before
# again, the one that is known to work, for whatever crashes or is booted; a web program that came up as the new version runs
# on as that until then. sh upgrade.sh NAME begins with the program that stayed out of nginx; sh upgrade.sh OLD_NAME goes back.
set -eu
versions=${VERSIONS:-/opt/saliency-survey}
conf=${NGINX_CONF:-/etc/nginx/conf.d/survey.conf}
pid=${NGINX_PID:-/run/nginx.pid}
nginx=${NGINX_PROGRAM:-nginx}

fail() {
    echo "upgrade.sh: $*" >&2
    exit 1
}

# Ports of web programs that nginx knows; given ' down', of those that it sends nobody.
ports() {
    sed -n "s/#.*//; s/server 127\.0\.0\.1:\([0-9]*\)$1;/\n\1\n/gp" "$conf" | grep -x '[0-9]\+' || true
}

new=${1:-}
case $new in
    '' | current | */*) fail "name a folder of a version in $versions" ;;
esac
[ -x "$versions/$new/bin/saliency-survey" ] || fail "there is no $versions/$new/bin/saliency-survey; name a folder of a version"
old=$(readlink "$versions/current") || fail "$versions/current names no version in use"
if command -v flock > /dev/null; then
    exec 9< "$(dirname "$conf")"
    flock -n 9 || fail "another upgrade is at work"
fi
# Those without people first: an upgrade that broke off left one, and the others serve meanwhile.
order="$(ports ' down') $(ports '')"
[ "$(echo "$order" | wc -w)" -ge 2 ] || fail "$conf names fewer than two web programs, of which one could serve meanwhile"

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

# Past any proxy of the environment: it would be asked for its own 127.0.0.1.
answers() {
    ask="import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:$1/healthz', timeout=5)"
    for _ in $(seq 60); do
        "$versions/$new/bin/python" -c "$ask" 2>/dev/null && return
        sleep 1
    done
    return 1
}

by_hand migrate --noinput || fail "the database is not up to date; the version in use runs on"
by_hand collectstatic --noinput || fail "the style sheets could not be gathered; the version in use runs on"
trap 'ln -sfn "$old" "$versions/current"' EXIT
trap 'exit 1' HUP INT TERM
ln -sfn "$new" "$versions/current"
for port in $order; do
    sed -i --follow-symlinks "s/server 127\.0\.0\.1:$port;/server 127.0.0.1:$port down;/" "$conf"
    reload
    systemctl restart "saliency-survey-web@$port" && answers "$port" ||
        fail "saliency-survey-web@$port does not answer and stays out of nginx: journalctl -u saliency-survey-web@$port"
    sed -i --follow-symlinks "s/server 127\.0\.0\.1:$port down;/server 127.0.0.1:$port;/" "$conf"
    reload
done
trap - EXIT
systemctl try-restart 'saliency-survey-worker*' saliency-survey-reports saliency-survey-scheduler
echo "$new runs."
