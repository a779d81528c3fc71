#!/bin/sh
#
# Weir: the container's first process, until nginx takes its place.  With
# arguments it is that program instead: "weirctl check /etc/nginx/weir".

set -eu

if [ $# -gt 0 ]; then
    exec "$@"
fi

# the only place that is written to; a tmpfs is empty at every start
umask 077
mkdir -p /run/weir/tmp

exec /usr/sbin/nginx -e stderr -c "${WEIR_CONF:-/etc/nginx/nginx.conf}" \
    -g 'daemon off; pid /run/weir/nginx.pid;'
