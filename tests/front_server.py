"""nginx before the site, with the configuration of `deploy/`: for the tests and the benchmark of the front server."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template

from tests import servers

TEMPLATE = Path(__file__).resolve().parents[1] / "deploy" / "nginx.conf.template"
# What Debian's own nginx.conf has around a site, with every path below one folder.
AROUND = Template("""
daemon off;
pid $folder/pid;
worker_processes $processes;
$user
events { worker_connections 4096; }
http {
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    scgi_temp_path $folder/scgi;
    uwsgi_temp_path $folder/uwsgi;
    include $folder/survey.conf;
}
""")


def configuration(listen: str, site: str, data: Path, tls: Path | None = None, proto: str = "") -> str:
    """The file of `deploy/`, with its variables filled in as `envsubst` does; nginx's own stay."""
    given = {
        "FRONT_LISTEN": listen,
        "FRONT_TLS": str(tls or "/dev/null"),
        "FRONT_PROTO": proto,
        "SITE_ADDRESS": site,
        "DATA_DIR": str(data),
        "UPLOAD_MB": "1025",
    }
    return Template(TEMPLATE.read_text("utf-8")).safe_substitute(given)


def command(
    folder: Path,
    listen: str,
    site: str,
    data: Path,
    processes: int = 1,
    tls: Path | None = None,
    proto: str = "",
) -> list[str]:
    """Writes the configuration into the folder; what runs nginx with it. Raises `servers.Missing` without nginx."""
    if not (program := servers.find("nginx")):
        raise servers.Missing("nginx is not here; install nginx-light (Debian's name)")
    (folder / "survey.conf").write_text(configuration(listen, site, data, tls, proto), "utf-8")
    # As root, nginx's workers are somebody else who is in the group of the site's user, as on a server.
    user = "user nobody root;" if os.geteuid() == 0 else ""
    main = AROUND.substitute(folder=folder, processes=processes, user=user)
    (folder / "nginx.conf").write_text(main, "utf-8")
    folder.chmod(0o755)
    return [program, "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]


@contextlib.contextmanager
def nginx(
    site_port: int, data: Path, processes: int = 1, tls: Path | None = None, proto: str = ""
) -> Iterator[tuple[int, int]]:
    """A front server before the site on that port: its own port and process. Raises `servers.Missing` without nginx."""
    port = servers.free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        listen = f"127.0.0.1:{port}" + (" ssl" if tls else "")
        run = command(Path(folder), listen, f"127.0.0.1:{site_port}", data, processes, tls, proto)
        server = subprocess.Popen(run, stderr=subprocess.PIPE)
        try:
            servers.wait_for(port, server)
            yield port, server.pid
        finally:
            server.terminate()
            server.communicate(timeout=20)
