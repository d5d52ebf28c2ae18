"""Single sign-on by OpenID Connect: django-allauth's road, and what it leaves open closed.

allauth takes the word of the user information, does not look at the signature of an ID token that came by its own
request, and sends no nonce. Here the ID token alone says who somebody is: signed with a key that the provider
publishes, for us, in time, and of the very sign-on that this browser began.
"""

from __future__ import annotations

from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from requests import RequestException

from novamind.accounts import identity


class IDTokenAdapter(OpenIDConnectOAuth2Adapter):
    """Who somebody is, from a verified ID token."""

    nonce = ""

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """Neither kept nor used: we ask the provider for nothing else."""
        return SocialToken(token=data["access_token"])

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> Any:
        """The account of the token's subject.

        Raises
        ------
        OAuth2Error
            The token is not valid, not of this sign-on, or cannot be verified now.
        """
        configured = next(one for one in settings.OIDC_PROVIDERS if one["id"] == app.provider_id)
        try:
            claims = identity.verified(kwargs["response"].get("id_token"), configured)
        except (identity.NotValid, identity.Unavailable) as error:
            raise OAuth2Error("no valid ID token") from error
        if not self.nonce or not compare_digest(str(claims.get("nonce", "")).encode(), self.nonce.encode()):
            raise OAuth2Error("an ID token of another sign-on")
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})


class _Callback(OAuth2CallbackView):
    """The way back: the nonce that was kept with the state goes to whoever looks at the token."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, refusal = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, refusal


@login_not_required
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider, by a page that goes there: Chromium holds a form's redirects, those of the provider too, to our
    ``form-action``, which is ourselves.
    """
    provider = _adapter(request, provider_id).get_provider()
    if request.method != "POST":
        return redirect("account_login")
    process = AuthProcess.CONNECT if request.GET.get("process") == "connect" else AuthProcess.LOGIN
    nonce = token_urlsafe(32)
    asked = provider.get_auth_params() | {"nonce": nonce}
    try:
        answer = provider.redirect(request, process, get_next_redirect_url(request), auth_params=asked, nonce=nonce)
    except (RequestException, KeyError, AttributeError, TypeError) as error:  # no discovery document, or a strange one
        return render_authentication_error(request, provider, exception=error)
    if answer.status_code != 302:
        return answer
    return render(request, "socialaccount/leaving.html", {"provider": provider, "address": answer["Location"]})


@login_not_required
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """From the provider, with a code or without."""
    adapter = _adapter(request, provider_id)
    provider = adapter.get_provider()
    try:
        return _Callback.adapter_view(adapter)(request)
    except (KeyError, AttributeError, TypeError) as error:  # JSON of the provider that is no answer
        return render_authentication_error(request, provider, exception=error)


def _adapter(request: HttpRequest, provider_id: str) -> IDTokenAdapter:
    adapter = IDTokenAdapter(request, provider_id)
    try:
        adapter.get_provider()
    except SocialApp.DoesNotExist:
        raise Http404 from None
    return adapter
