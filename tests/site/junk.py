"""Junk for the fuzzers: from a seed, so that what was found once is found again."""

import random
from urllib.parse import quote_from_bytes

from django.urls import URLPattern, URLResolver, get_resolver

IDS = [
    "0", "1", "-1", "abc", "1e9", "9" * 30, "_5F", "%00", "\u00e9", "1_2", "None", "1;2", "../..", " ", "1,2", "x" * 300,
    "\u0661", "1.5", "true", "[]", "00000000-0000-0000-0000-000000000000",
]  # fmt: skip
TYPES = [
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", "multipart/form-data",
    "application/x-www-form-urlencoded; charset=zlib", "application/x-www-form-urlencoded; charset=no-such",
    "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data; boundary=x", "text/plain", "",
    "multipart/form-data; boundary=x; charset=rot13", "multipart/form-data; boundary*=no-such''x", "application/json",
    "application/json; charset=no-such", "multipart/mixed; boundary=x", ";", "; charset", "a/b;;;=", "application/xml",
]  # fmt: skip
NAMES = [
    "action", "_selected_action", "index", "select_across", "q", "p", "o", "e", "_popup", "_to_field", "study__id__exact",
    "id__exact", "cursor", "page_size", "format", "task", "protocol", "bots", "verb", "code", "username", "password", "next",
    "lang", "nonce", "consent", "choice", "rating", "key", "client", "title", "slug", "submissions", "pictures", "archive",
    "files", "role", "stimulus_class", "languages", "memberships-TOTAL_FORMS", "memberships-INITIAL_FORMS", "state",
    "memberships-0-id", "memberships-0-user", "memberships-0-DELETE", "classifiers", "methods", "all", "column", "kind",
    "participant", "stimulus", "pilot", "metrics", "PROLIFIC_PID", "id", "survey_code", "app_label", "model_name",
    "field_name", "term", "post", "_save", "webhook_url", "events", "quota", "image", "map", "rank", "order", "condition",
]  # fmt: skip
ACTIONS = [
    "delete_selected",
    "revoke",
    "unlock",
    "retry",
    "remove_second_factor",
    "exclude",
    "include",
    "no-such",
]


HEADERS = {
    "HTTP_HOST": ["", "evil.example", "localhost:99999", "localhost:x", "[::1", "a" * 300, "localhost\t"],
    "HTTP_COOKIE": [
        "sessionid=" + "x" * 5000, "sessionid=\xff", "messages=W10:x:y", "csrftoken=", "=", ";;;", "a=b=c; \"",
        "django_language=../..",
        "sessionid=../../etc/passwd; messages=[]",
    ],
    "HTTP_ACCEPT": ["", "*/*", "application/json", "text/html;q=x", "application/xml", "a", ";", "a/b; x=" + "y" * 999],
    "HTTP_ACCEPT_LANGUAGE": ["xx", "ar", "*", "en;q=9", "fr" * 999, "\xff", "../.."],
    "HTTP_AUTHORIZATION": ["Token", "Token sv_\xff", "Token a b", "Basic Og==", "Bearer " + "x" * 9999, "Digest username=a"],
    "HTTP_X_FORWARDED_FOR": ["", "1.2.3.4", "::", "x", ",,,", "1.2.3.4:99, [::1]:8", "\xff"],
    "HTTP_X_FORWARDED_PROTO": ["https", "http", "gopher", ""],
    "HTTP_RANGE": ["bytes=0-", "bytes=5-1", "bytes=-1", "x", "bytes=" + "0-1," * 999],
    "HTTP_IF_MODIFIED_SINCE": ["x", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 99999 00:00:00 GMT"],
    "HTTP_IF_NONE_MATCH": ["*", "W/", '"a"', "\xff"],
    "HTTP_HX_REQUEST": ["true", "false", "x"],
    "HTTP_HX_CURRENT_URL": ["http://[", "javascript:1", "\xff", "http://localhost/%ff"],
    "HTTP_HX_TARGET": ["\xff", "x" * 5000],
    "HTTP_REFERER": ["http://[", "x", "https://evil.example/", "\xff"],
    "HTTP_ORIGIN": ["null", "http://[", "https://evil.example", "\xff"],
    "HTTP_USER_AGENT": ["", "x" * 20_000, "\xff\xfe", "<script>"],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE", "x"],
    "HTTP_TRANSFER_ENCODING": ["chunked", "gzip"],
    "HTTP_CONTENT_ENCODING": ["gzip", "br", "x"],
    "HTTP_EXPECT": ["100-continue", "x"],
    "HTTP_X_CSRFTOKEN": ["", "x", "\xff" * 64],
    "CONTENT_LENGTH": ["", "-1", "x", "9" * 30, "\u0661", "1e3", "+5", " 5"],
    "SERVER_PROTOCOL": ["HTTP/1.0", "HTTP/2", "x"],
    "REMOTE_ADDR": ["", "x", "::1", "fe80::1%eth0"],
}  # fmt: skip
METHODS = (
    "GET",
    "POST",
    "POST",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "get",
    "X" * 99,
)


def headers(dice: random.Random) -> dict[str, str]:
    """Up to three headers that are seldom right."""
    names = dice.sample(sorted(HEADERS), dice.choice((0, 0, 0, 1, 2, 3)))
    return {name: dice.choice(HEADERS[name]) for name in names}


def patterns(resolver: URLResolver | None = None, before: str = "") -> list[str]:
    """Every address of the site, its parts as `<type:name>`."""
    found: list[str] = []
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + str(
            getattr(entry.pattern, "_route", None) or entry.pattern.regex.pattern.lstrip("^")
        )
        if isinstance(entry, URLPattern):
            found.append("/" + route.replace("\\.", ".").rstrip("$").replace("\\Z", ""))
        else:
            found += patterns(entry, route)
    return found


def value(dice: random.Random) -> str:
    """A value of a field or of a parameter."""
    kind = dice.randrange(6)
    if kind == 0:
        return dice.choice(IDS)
    if kind == 1:
        return dice.choice(ACTIONS)
    if kind == 2:
        return "".join(
            chr(dice.choice((0, 9, 10, 34, 37, 60, 127, 233, 0x202E, 0xFFFD, 0x1F600))) for _ in range(3)
        )
    if kind == 3:
        return str(dice.randrange(-(2**70), 2**70))
    if kind == 4:
        return dice.choice("x9") * dice.choice((0, 1, 40, 5000))
    return dice.choice(
        ["on", "yes", "en", "test", "{}", '{"a": [1]}', "2020-13-45", "1e400", "nan", "matching"]
    )


def octets(dice: random.Random, text: str) -> str:
    """Percent-encoded, now and then with bytes that are no UTF-8."""
    data = text.encode("utf-8", "surrogatepass")
    return quote_from_bytes(data if dice.random() < 0.9 else data + bytes([dice.randrange(128, 256)]))


def query(dice: random.Random) -> str:
    """Up to three parameters, now and then one of them more than once."""
    names = [dice.choice(NAMES) for _ in range(dice.randrange(4))]
    names += dice.choices(names, k=3) if names and dice.random() < 0.2 else []
    return "&".join(f"{name}={octets(dice, value(dice))}" for name in names)


def body(dice: random.Random, content_type: str) -> bytes:
    """A form, parts, JSON, or noise, whatever the header says."""
    fields = [(dice.choice(NAMES), value(dice)) for _ in range(dice.randrange(6))]
    kind = dice.randrange(4) if dice.random() < 0.3 else (1 if "multipart" in content_type else 0)
    if kind == 0:
        return "&".join(f"{octets(dice, name)}={octets(dice, text)}" for name, text in fields).encode()
    if kind == 1:
        return b"".join(_part(dice, name, text) for name, text in fields) + dice.choice(
            (b"--x--\r\n", b"", b"--x")
        )
    if kind == 2:
        return dice.choice(
            (
                b"{",
                b"[]",
                b'{"files": 1}',
                b"[" * 5000,
                b'{"classifiers": ["' + b"\xff" * 9 + b'"]}',
                b"1e999",
            )
        )
    return dice.randbytes(dice.randrange(200))


def _part(dice: random.Random, name: str, text: str) -> bytes:
    extra = dice.choice((
        b"", b'; filename="a.zip"', b"; filename*=no-such''a.zip", b"; filename*=zlib''%ff", b'; filename="\xff\xfe.png"',
        b'; filename=""', b"; filename*=utf-8''a%00.csv", b'; filename="../../a.npy"',
    ))  # fmt: skip
    more = dice.choice((
        b"", b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/plain; charset=no-such\r\n",
        b"Content-Length: x\r\n", b"\xff: \xff\r\n",
    ))  # fmt: skip
    head = (
        b'--x\r\nContent-Disposition: form-data; name="'
        + name.encode()
        + b'"'
        + extra
        + b"\r\n"
        + more
        + b"\r\n"
    )
    return head + text.encode("utf-8", "surrogatepass") + b"\r\n"


def damaged(dice: random.Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, cut, doubled or swapped."""
    out = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        place = dice.randrange(len(out)) if out else 0
        match dice.randrange(5):
            case 0:
                out[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                out[place : place + 4] = dice.choice(
                    (b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f", b"PK\x01\x02")
                )
            case 2:
                del out[place:]
            case 3:
                out[place:place] = out[place : place + dice.randrange(60)]
            case 4:
                out += dice.randbytes(dice.randrange(40))
    return bytes(out)
