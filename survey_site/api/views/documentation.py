"""The page that shows the schema."""

from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class Documentation(SpectacularSwaggerSplitView):
    """In HTML, whatever is asked for. Who asks is known before a template is drawn, which would fail over a wrong key."""

    http_method_names = [
        "get",
        "head",
    ]  # OPTIONS would be drawn by the template, which is named for GET alone

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Raises nothing."""
        found: tuple[BaseRenderer, str] = super().perform_content_negotiation(request, force=True)
        return found
