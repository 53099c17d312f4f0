"""Every error of the API in one shape: `{"error": {"code": …, "message": …, "fields": {…}}}`."""

from typing import Any

from django.http import UnreadablePostError
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from survey_site.tasks.registry import UnknownTask


class ErrorBody(serializers.Serializer[Any]):
    """`code` is for programs, `message` for people; `fields` names the fields at fault, if any."""

    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]


class ErrorSerializer(serializers.Serializer[Any]):
    """What every answer with a status of 400 and more holds."""

    error = ErrorBody()


class TaskNotInstalled(APIException):
    """The study's estimates need a task that is not installed; its data do not."""

    status_code = 409
    default_code = "task_not_installed"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, its many shapes brought into one."""
    if isinstance(error, UnknownTask):
        error = TaskNotInstalled(str(error))
    if isinstance(error, UnreadablePostError):  # the sender's doing, and no failure of the site
        error = ParseError("The upload broke off, and nothing of it was stored: send it again.")
    response = exception_handler(error, context)
    if response is None:
        return None
    detail = response.data
    fields: dict[str, list[str]] = {}
    if isinstance(detail, dict) and "detail" not in detail:
        fields = {name: _texts(value) for name, value in detail.items()}
        message = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items())
        code: str | None = "invalid"
    else:
        inner = detail["detail"] if isinstance(detail, dict) else detail
        message = " ".join(_texts(inner))
        code = inner.code if isinstance(inner, ErrorDetail) else "invalid"
    response.data = {"error": {"code": code, "message": message, "fields": fields}}
    return response


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, item in value.items() for text in _texts(item)]
    return [str(value)]
