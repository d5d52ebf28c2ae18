"""How a page or an endpoint asks for a right."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission

View = Callable[..., HttpResponse]


class Refused(PermissionDenied):
    """A 403 that is not about the role: its code, and a sentence that says nothing of a patient."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def requires(right: str) -> Callable[[View], View]:
    """A page for whoever has the right; others get 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.may(right):  # type: ignore[union-attr]
                raise PermissionDenied(right)
            return view(request, *args, **kwargs)

        checked.right = right  # type: ignore[attr-defined]
        return checked

    return decorate


class HasRight(BasePermission):
    """The API's form: the view names its rights as ``rights = {"GET": …, "POST": …}``; an unnamed method is refused.

    A method that the view does not have passes, to be answered 405; OPTIONS is for whoever may do anything here.
    """

    code = "role_required"
    message = "Your role does not include this."

    def has_permission(self, request: Any, view: Any) -> bool:
        name = request.method.lower()
        if name not in view.http_method_names or not hasattr(view, name):
            return True
        if request.method == "OPTIONS":
            return any(request.user.may(right) for right in view.rights.values())
        right = view.rights.get("GET" if request.method == "HEAD" else request.method)
        return right is not None and request.user.may(right)
