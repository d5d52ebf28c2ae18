"""Signing in and out, under ``/accounts/``."""

from django.contrib.auth import views as auth
from django.urls import path

from novamind.accounts.views import SignInView

app_name = "accounts"
urlpatterns = [
    path("login/", SignInView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
]
