"""A list without rows says where its rows come from; a search without a hit says that it was the search."""

import html

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
NEVER_EMPTY = {"auth.user", "axes.accesslog", "studies.auditentry"}  # whoever looks at the list is in it
LISTS = {
    model._meta.label_lower: model_admin
    for model, model_admin in admin.site._registry.items()
    if model._meta.label_lower not in NEVER_EMPTY
}


@pytest.mark.parametrize("label", sorted(LISTS))
def test_an_empty_list_says_how_it_is_filled(admin_client: Client, label: str) -> None:
    page = admin_client.get(reverse(f"admin:{label.replace('.', '_')}_changelist")).content.decode()
    assert "Nothing here yet" in page
    hint = str(getattr(LISTS[label], "when_empty", ""))
    assert hint, "say where the rows of this list come from: when_empty (desk/scoped_admin.py)"
    assert html.escape(hint) in page


def test_a_search_without_a_hit_offers_to_show_all(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:auth_user_changelist"), {"q": "nobody at all"}).content.decode()
    assert "Nothing matches" in page
    assert "Nothing here yet" not in page
