"""What load balancers and Prometheus ask: by an address or a container's name, not by ALLOWED_HOSTS, and without TLS."""

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import common


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which refuses hosts that are not the site's; but not at addresses whose answers hold nothing of the host."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._asked = [re.compile(pattern) for pattern in settings.SECURE_REDIRECT_EXEMPT]

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:  # type: ignore[override]
        if any(pattern.search(request.path.lstrip("/")) for pattern in self._asked):
            return None
        return super().process_request(request)
