"""The admin page of a study's notifications: who gets mail, the webhook, what is unusual, and what was sent."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from survey_site.desk.seen_values import SeenForm, digest
from survey_site.desk.shell import page, study_for
from survey_site.notifications import mail, outbox
from survey_site.notifications.models import Delivery, Notification, Subscriber, Watch, new_secret
from survey_site.studies import audit, changes
from survey_site.studies.access import may
from survey_site.studies.editing import editing
from survey_site.studies.models import Study

SHOWN = 50
SECRETS = ("webhook_url", "webhook_secret")  # whoever has the address of some services may write there


class WatchForm(SeenForm):
    class Meta:
        model = Watch
        fields = ("expected_dropout", "expected_failed_attention", "least", "expected_starts", "webhook_url")
        widgets = {
            "expected_dropout": UnfoldAdminIntegerFieldWidget,
            "expected_failed_attention": UnfoldAdminIntegerFieldWidget,
            "least": UnfoldAdminIntegerFieldWidget,
            "expected_starts": UnfoldAdminIntegerFieldWidget,
            "webhook_url": UnfoldAdminTextInputWidget(attrs={"inputmode": "url"}),
        }


@require_http_methods(["GET", "POST"])
def notifications(request: HttpRequest, study: Study) -> HttpResponse:
    """Whoever sees the study may have its mail; the webhook and the expectations are for who edits it."""
    edits = may(request.user, "edit", study.pk)
    watch = Watch.objects.filter(study=study).first()
    form = WatchForm(instance=watch or Watch(study=study))
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        if verb == "subscribe":
            _subscribe(request, study)
        elif verb == "unsubscribe":
            Subscriber.objects.filter(study=study, user=request.user.pk).delete()
            messages.success(request, _("You get no more mail about this study."))
        elif verb and not edits:
            study_for(request, study.pk, "edit")  # 404
        elif verb == "save":
            with editing(study):
                before = changes.of_row(outbox.watch_of(study))
                form = WatchForm(request.POST, instance=outbox.watch_of(study))
                if not form.is_valid():
                    return _page(request, study, form, edits, status=422)
                phrases = changes.told(before, changes.of_row(form.save()), hidden=SECRETS)
                audit.record_changes(request, study, "notifications set", phrases)
                messages.success(request, _("Saved."))
        elif verb == "secret":
            _renew_secret(request, study)
        elif verb == "test":
            outbox.send_test(study, request.user)  # type: ignore[arg-type]
            messages.success(
                request, _("A test is on its way to you and to the webhook; see below what became of it.")
            )
        elif verb == "retry":
            messages.success(request, _("%d deliveries are tried again.") % outbox.retry_failed(study))
        else:
            messages.error(request, _("Choose one of the buttons."))
        return redirect("admin:study_notifications", study.pk)
    return _page(request, study, form, edits)


def _renew_secret(request: HttpRequest, study: Study) -> None:
    """Not over a secret that somebody else made meanwhile: its receiver may have it by now."""
    with editing(study):
        watch = outbox.watch_of(study)
        if request.POST.get("secret_seen", digest(watch.webhook_secret)) != digest(watch.webhook_secret):
            text = _(
                "Somebody else made a new secret after you opened this page. It stays; it is the one shown below now."
            )
            messages.error(request, text)
            return
        Watch.objects.filter(pk=watch.pk).update(webhook_secret=new_secret())
        audit.record(request, study, "webhook secret renewed")
    messages.success(request, _("The webhook has a new secret; give it to the receiver."))


def _subscribe(request: HttpRequest, study: Study) -> None:
    with transaction.atomic():
        outbox.watch_of(study)
        Subscriber.objects.get_or_create(study=study, user=request.user)  # type: ignore[misc]
    messages.success(request, _("You get mail about this study from now on."))


def _page(
    request: HttpRequest, study: Study, form: WatchForm, edits: bool, status: int = 200
) -> HttpResponse:
    watch = form.instance
    own = Q(user=request.user.pk)
    subscribers = Subscriber.objects.filter(study=study).select_related("user").order_by("user__username")
    rows = Notification.objects.filter(study=study).prefetch_related("deliveries__user")[:SHOWN]
    address = getattr(request.user, "email", "")
    response = page(
        request,
        "desk/notifications.html",
        study,
        _("Notifications"),
        form=form,
        edits=edits,
        secret=watch.webhook_secret if watch.pk and watch.webhook_url else "",
        secret_seen=digest(watch.webhook_secret),
        subscribed=subscribers.filter(own).exists(),
        subscribers=subscribers,
        address=address,
        mail_problem=mail.problem(address),
        notifications=rows,
        failed=Delivery.objects.filter(notification__study=study, state=Delivery.State.FAILED).exists(),
    )
    response.status_code = status
    return response
